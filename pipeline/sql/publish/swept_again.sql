-- Searches that were complete, of which a page was read once more, or one behind the last: they may be so no longer.
CREATE OR REPLACE TEMP TABLE swept_again AS
SELECT genre
FROM search_pages
SEMI JOIN (SELECT DISTINCT genre, sweep_on FROM staged_search_pages) USING (genre, sweep_on)
GROUP BY genre, sweep_on
HAVING {complete}
