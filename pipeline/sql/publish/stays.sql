-- Of whoever enters a genre, or enters it anew, one stay goes on: the last.
{given entering}
INSERT INTO stays
SELECT genre, provenance, sum(begun)
FROM (
    SELECT genre, provenance, 1 AS begun FROM entering
    UNION ALL
    SELECT genre, provenance, -1 AS begun
    FROM genre_membership
    SEMI JOIN entering USING (genre, artist_id, provenance)
    WHERE left_on IS NULL
)
GROUP BY genre, provenance
