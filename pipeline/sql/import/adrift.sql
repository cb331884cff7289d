-- The first entries with numbers of no day, of artists whom the same import saw on some days, and how many there are.
SELECT file, line, count(*) OVER () AS lacking FROM given
WHERE told AND day IS NULL AND coalesce(followers, popularity) IS NOT NULL
    AND artist_id IN (SELECT artist_id FROM given WHERE day IS NOT NULL)
ORDER BY place LIMIT 1000
