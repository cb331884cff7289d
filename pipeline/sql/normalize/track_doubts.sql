-- Track objects with an id, and among them those with a value that is not as declared; embedded ones are counted by their albums.
SELECT
    count(*) FILTER (NOT embedded) AS sound,
    count(*) FILTER (
        is_odd_id(track_id) OR is_odd(name) OR is_odd(isrc) OR is_odd_link(spotify_url) OR is_odd_credit(credits)
        OR disc_number < 0 OR track_number < 0 OR duration_ms < 0 OR popularity NOT BETWEEN 0 AND 100
    ) AS doubtful,
    count(*) > count(DISTINCT (file, track_id, observed_on)) AS repeated
FROM track_objects
