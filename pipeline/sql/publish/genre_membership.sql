-- Spans at most {stay} days apart are one stay. All but the last one of an artist in a genre have ended.
{given entering}
DELETE FROM genre_membership m
USING entering e
WHERE e.genre = m.genre AND e.artist_id = m.artist_id AND e.provenance = m.provenance;
{given alone}
INSERT INTO genre_membership
SELECT genre, artist_id, provenance, low, NULL FROM alone ORDER BY genre;
{given spans}
INSERT INTO genre_membership
SELECT genre, artist_id, provenance, low, CASE WHEN count(*) OVER w > 1 THEN high + 1 END
FROM (
    SELECT genre, artist_id, provenance, min(low) AS low, max(high) AS high
    FROM (
        SELECT *, count(*) FILTER (begins) OVER (PARTITION BY genre, artist_id, provenance ORDER BY low, high) AS stay
        FROM (
            SELECT *, coalesce(low > max(high) OVER b + {stay}, true) AS begins
            FROM spans
            ANTI JOIN alone USING (genre, artist_id, provenance)
            WINDOW b AS (
                PARTITION BY genre, artist_id, provenance ORDER BY low, high
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            )
        )
    )
    GROUP BY genre, artist_id, provenance, stay
)
WINDOW w AS (
    PARTITION BY genre, artist_id, provenance ORDER BY low ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
)
ORDER BY genre, artist_id
