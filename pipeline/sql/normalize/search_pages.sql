-- One row per page read; of a page read twice the later answer stands. Spotify serves no offset from 1,000 on.
SELECT DISTINCT ON (file, genre, sweep_on, page_offset, observed_on)
    file,
    genre,
    observed_on,
    sweep_on,
    page_offset,
    page_limit,
    total,
    returned,
    nothing_next OR returned = 0 OR page_offset + coalesce(page_limit, returned) >= 1000 AS last_page
FROM answers
WHERE endpoint = 'search'
ORDER BY line DESC
