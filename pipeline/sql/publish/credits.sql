-- One row per credit: place and name of the newest observation, first and last day it was seen.
MERGE INTO {table} p
USING (
    SELECT * EXCLUDE (newest), unnest(newest)
    FROM (
        SELECT
            {keys},
            arg_max(struct_pack(position := position, artist_name := artist_name), moment) AS newest,
            min(observed_on) AS first_seen_on,
            max(observed_on) AS last_seen_on
        FROM staged_{lake}
        GROUP BY {keys}
    )
    {artist_numbers}
) n
ON {match}
WHEN MATCHED AND n.last_seen_on >= p.last_seen_on THEN UPDATE SET
    position = n.position,
    artist_name = n.artist_name,
    first_seen_on = least(n.first_seen_on, p.first_seen_on),
    last_seen_on = n.last_seen_on
WHEN MATCHED THEN UPDATE SET first_seen_on = least(n.first_seen_on, p.first_seen_on)
WHEN NOT MATCHED THEN INSERT BY NAME
