-- One row per page of tracks read: the one inside the album, then those asked for; of a page read twice the later answer stands.
SELECT DISTINCT ON (file, album_id, page_offset, observed_on)
    file, album_id, observed_on, page_offset, total, returned, nothing_next OR returned = 0 AS last_page
FROM (
    SELECT file, line, album_id, observed_on, 0 AS page_offset, tracks.total AS total, len(tracks.items) AS returned, tracks.next IS NULL AS nothing_next
    FROM album_objects
    WHERE tracks.items IS NOT NULL
    UNION ALL
    SELECT file, line, album_id, observed_on, page_offset, total, returned, nothing_next
    FROM answers
    WHERE endpoint = 'album_tracks'
)
ORDER BY line DESC
