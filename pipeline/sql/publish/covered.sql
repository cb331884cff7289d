-- What touched artists count for in their genres: taken away before the merges, added after them.
INSERT INTO covered
SELECT g.genre, {sign} * count(*), {sign} * count(a.followers), {sign} * count(a.releases_checked_on)
FROM (SELECT DISTINCT genre, artist_no, CASE WHEN artist_no IS NULL THEN artist_id END AS unnumbered FROM known_genres) g
LEFT JOIN known_artists a ON a.artist_no = g.artist_no
GROUP BY g.genre
