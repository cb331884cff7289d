-- The month of every part that is all in one, as its footer says.
SELECT file_name, strftime(min(stats_min_value::DATE), '%Y-%m') AS month
FROM parquet_metadata(?)
WHERE path_in_schema = 'observed_on'
GROUP BY file_name
HAVING count(*) = count(stats_min_value) AND count(*) = count(stats_max_value)
    AND month = strftime(max(stats_max_value::DATE), '%Y-%m')
