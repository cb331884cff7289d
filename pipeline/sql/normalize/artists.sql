-- Attributes of an artist on a day.
SELECT file, artist_id, observed_on, name, list_sort(list_distinct(genres)) AS genres, image_url, spotify_url
FROM artist_days
