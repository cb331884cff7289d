-- Of how many of those touched growth can be said, in each of their genres: taken away before the merges, added after them.
INSERT INTO compared
SELECT genre, unnest({days})::INTEGER AS days, unnest([{counts}]) * {sign} AS compared
FROM (SELECT DISTINCT genre, artist_no FROM known_genres)
JOIN known_growth USING (artist_no)
GROUP BY genre
