-- Left: the genres that an artist's answers gave last are without this one.
CREATE OR REPLACE TEMP TABLE gone AS
SELECT g.genre, g.artist_id, g.last_seen_on
FROM known_genres g
JOIN told_genres a ON a.key = g.key
WHERE g.provenance = 'spotify' AND {lacks};
{given gone}
{leaving}
