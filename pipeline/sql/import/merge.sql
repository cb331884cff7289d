-- One row per artist and day: the last entry that knows a value gives it, genres are put together. An id alone counts once, today.
CREATE TEMP TABLE merged AS
SELECT
    artist_id,
    day,
    true AS told,
    arg_max(name, place) AS name,
    arg_max(followers, place) AS followers,
    arg_max(popularity, place) AS popularity,
    list_sort(list_distinct(flatten(list(genres) FILTER (genres IS NOT NULL)))) AS genres,
    arg_max(image_url, place) AS image_url,
    list({'file': file, 'line': line, 'received': received} ORDER BY place) AS received
FROM given
WHERE told AND day IS NOT NULL
GROUP BY artist_id, day
UNION ALL BY NAME
SELECT artist_id, $today AS day, false AS told, list({'file': file, 'line': line, 'received': received} ORDER BY place) AS received
FROM given
WHERE NOT told AND artist_id NOT IN (SELECT artist_id FROM given WHERE told)
GROUP BY artist_id
