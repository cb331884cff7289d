-- Growth of every artist, from all of its numbers at once.
DELETE FROM artist_growth;
INSERT INTO artist_growth BY NAME
WITH numbers AS (
    SELECT
        *,
        max(observed_on) OVER w AS until,
        lag(observed_on) OVER (PARTITION BY artist_id ORDER BY observed_on) AS previous_on
    FROM artist_snapshots
    WHERE followers IS NOT NULL
    WINDOW w AS (PARTITION BY artist_id)
),
ends AS (
    SELECT
        artist_id,
        until,
        arg_max(followers, observed_on) AS followers,
        arg_max_null(previous_on, observed_on) AS previous_on,
        arg_max(followers, observed_on) FILTER (observed_on < until) AS previous_followers,
        min(observed_on) AS first_on,
        arg_min(followers, observed_on) AS first_followers,
        {all_befores}
    FROM numbers
    GROUP BY artist_id, until
)
SELECT e.* EXCLUDE ({all_before_names}), a.artist_no, {all_gained}
FROM ends e
LEFT JOIN (SELECT artist_id, artist_no FROM artists) a ON a.artist_id = e.artist_id
ORDER BY a.artist_no, e.artist_id
