-- Parts that may have rows of a day or before it: by the oldest day in their footers.
SELECT file_name
FROM parquet_metadata($1)
WHERE path_in_schema = 'observed_on'
GROUP BY file_name
HAVING min(stats_min_value::DATE) <= $2 OR count(stats_min_value) < count(*)
