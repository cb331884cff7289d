-- Album objects with an id, and among them those with a value that is not as declared (in their embedded tracks: an absent id).
SELECT
    count(*) AS sound,
    count(*) FILTER (
        is_odd_id(album_id) OR is_odd(name) OR is_odd(album_type) OR is_odd(release_date) OR is_odd(release_date_precision) OR is_odd(label)
        OR is_odd(upc) OR is_odd_link(image_url) OR is_odd_link(spotify_url) OR total_tracks < 0 OR popularity NOT BETWEEN 0 AND 100
        OR is_odd_credit(credits) OR tracks.total < 0 OR is_odd(tracks.next)
        OR len(list_filter(tracks.items, lambda t: t.id IS NOT NULL)) < len(tracks.items)
    ) AS doubtful,
    count(*) > count(DISTINCT (file, album_id, observed_on)) AS repeated
FROM album_objects
