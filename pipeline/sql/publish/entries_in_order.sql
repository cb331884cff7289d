-- Who was of which kind from when on, in the order of ids and days.
SELECT e.key, e.entered_on, k.kind
FROM entries e
JOIN kinds k ON k.genres = e.genres
JOIN artists a ON a.artist_no = e.key
ORDER BY a.artist_id, e.entered_on
