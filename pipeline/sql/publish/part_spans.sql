-- The month and the days of every part that is all in one month, as its footer says.
SELECT file_name, strftime(first_on, '%Y-%m') AS month, first_on, last_on
FROM (
    SELECT file_name, min(stats_min_value::DATE) AS first_on, max(stats_max_value::DATE) AS last_on,
        count(*) = count(stats_min_value) AND count(*) = count(stats_max_value) AS told
    FROM parquet_metadata(?)
    WHERE path_in_schema = 'observed_on'
    GROUP BY file_name
)
WHERE told AND strftime(first_on, '%Y-%m') = strftime(last_on, '%Y-%m')
