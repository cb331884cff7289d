-- Artist objects that are as declared, and among them those with a value that is not.
SELECT
    count(*) AS sound,
    count(*) FILTER (
        is_odd_id(artist_id) OR is_odd(name) OR is_odd_list(len(genres), joined) OR is_odd_link(image_url) OR is_odd_link(spotify_url)
        OR followers NOT BETWEEN 0 AND 1099511627776 OR popularity NOT BETWEEN 0 AND 100
    ) AS doubtful,
    count(*) > count(DISTINCT (file, artist_id, observed_on)) AS repeated
FROM (SELECT *, array_to_string(genres, ',') AS joined FROM artist_objects)
