-- One row per credit of a release, as the first object of the day has it.
SELECT DISTINCT ON (file, album_id, artist_id, observed_on)
    file, album_id, credit.id AS artist_id, observed_on, position - 1 AS position, credit.name AS artist_name
FROM (
    SELECT file, place, album_id, observed_on, unnest(credits) AS credit, generate_subscripts(credits, 1) AS position FROM album_objects
)
WHERE credit.id IS NOT NULL
ORDER BY place, position
