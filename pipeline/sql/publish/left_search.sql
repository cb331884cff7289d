-- Left: a complete search that began after the last sighting did not show it.
CREATE OR REPLACE TEMP TABLE gone AS
SELECT g.genre, g.artist_id, g.last_seen_on
FROM artist_genres g
JOIN sweeps s ON s.genre = g.genre AND s.shown_on > g.last_seen_on
WHERE g.provenance = 'search';
{given gone}
{leaving}
