-- The first entries that cannot be dated, and how many there are.
SELECT file, line, count(*) OVER () AS lacking FROM given WHERE told AND day IS NULL ORDER BY place LIMIT 1000
