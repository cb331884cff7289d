-- One row per key: the newest observation stands whole, by day and within a day by order of commit.
MERGE INTO {table} p
USING (
    SELECT {keys}, unnest(newest), observed_on
    FROM (
        SELECT {keys}, arg_max({rest_packed}, moment) AS newest, max(observed_on) AS observed_on
        FROM staged_{lake}
        GROUP BY {keys}
    )
) n
ON {match}
WHEN MATCHED AND n.observed_on >= p.observed_on THEN UPDATE SET {rest_updated}, observed_on = n.observed_on
WHEN NOT MATCHED THEN INSERT BY NAME
