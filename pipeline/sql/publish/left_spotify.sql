-- Left: the genres that an artist's answers gave last are without this one.
UPDATE genre_membership m
SET left_on = g.last_seen_on + 1
FROM (
    SELECT g.genre, g.artist_id, g.last_seen_on
    FROM artist_genres g
    JOIN artists a ON a.artist_id = g.artist_id
    SEMI JOIN touched t ON t.artist_id = g.artist_id
    WHERE g.provenance = 'spotify' AND NOT list_contains(a.genres, g.genre)
) g
WHERE
    m.left_on IS NULL AND m.provenance = 'spotify' AND m.genre = g.genre AND m.artist_id = g.artist_id
