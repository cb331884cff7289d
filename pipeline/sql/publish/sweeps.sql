-- Searches that were read from the first page to the last one: the last of each genre, and the last below the cap, which
-- showed all there was.
CREATE OR REPLACE TEMP TABLE sweeps AS
SELECT
    genre,
    max(sweep_on) AS swept_on,
    max(sweep_on) FILTER (reached < {cap}) AS shown_on
FROM (
    SELECT genre, sweep_on, max(page_offset + page_limit) AS reached
    FROM search_pages
    GROUP BY genre, sweep_on
    HAVING {complete}
)
GROUP BY genre
