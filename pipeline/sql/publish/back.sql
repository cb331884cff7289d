-- Seen again: a last stay that was said to have ended has not. Whether it has is told below.
UPDATE genre_membership m
SET left_on = NULL
FROM (
    SELECT genre, artist_id, provenance, max(entered_on) AS entered_on
    FROM genre_membership
    SEMI JOIN (FROM genre_membership SEMI JOIN sighted USING (genre, artist_id, provenance) WHERE left_on IS NOT NULL)
        USING (genre, artist_id, provenance)
    GROUP BY ALL
) n
WHERE
    m.left_on IS NOT NULL AND m.entered_on = n.entered_on
    AND m.genre = n.genre AND m.artist_id = n.artist_id AND m.provenance = n.provenance
