-- One row per page read; of a page read twice the later answer stands. The total known before means: nothing new behind it.
SELECT DISTINCT ON (file, artist_id, album_group, page_offset, observed_on)
    file, artist_id, observed_on, album_group, page_offset, total, returned, nothing_next OR returned = 0 OR coalesce(total = known_total, false) AS last_page
FROM answers
WHERE endpoint = 'artist_albums'
ORDER BY line DESC
