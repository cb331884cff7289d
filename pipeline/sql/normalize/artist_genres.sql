-- An artist under the genre we asked for, and under those Spotify gives it.
SELECT DISTINCT file, artist_id, observed_on, asked_genre AS genre, 'search' AS provenance
FROM artist_objects
WHERE asked_genre <> ''
UNION ALL
SELECT DISTINCT file, artist_id, observed_on, lower(trim(given)) AS genre, 'spotify' AS provenance
FROM (SELECT file, artist_id, observed_on, unnest(genres) AS given FROM artist_objects)
WHERE trim(given) <> ''
