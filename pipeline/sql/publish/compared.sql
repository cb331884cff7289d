-- Of how many of those touched growth can be said, in each of their genres: taken away before the merges, added after them.
INSERT INTO compared
SELECT genre, unnest({days})::INTEGER AS days, unnest([{counts}]) * {sign} AS compared
FROM known_members
JOIN known_growth USING (key)
GROUP BY genre
