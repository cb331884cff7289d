-- What touched artists count for in their genres: taken away before the merges, added after them.
INSERT INTO covered
SELECT g.genre, {sign} * count(*), {sign} * count(a.followers), {sign} * count(a.releases_checked_on)
FROM known_members g
LEFT JOIN known_artists a ON a.key = g.key
GROUP BY g.genre
