-- What touched artists count for in their genres: taken away before the merges, added after them.
INSERT INTO covered
SELECT g.genre, {sign} * count(*), {sign} * count(a.followers), {sign} * count(a.releases_checked_on)
FROM (SELECT DISTINCT artist_id, genre FROM known_genres SEMI JOIN touched USING (artist_id)) g
LEFT JOIN known_artists a ON a.artist_id = g.artist_id
GROUP BY g.genre
