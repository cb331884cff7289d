-- One row per credit: place and name of the latest day, first and last day it was seen.
CREATE OR REPLACE TEMP TABLE news AS
SELECT
    n.{key},
    n.artist_id,
    CASE WHEN p.last_seen_on > n.last_seen_on THEN p.position ELSE n.position END AS position,
    CASE WHEN p.last_seen_on > n.last_seen_on THEN p.artist_name ELSE n.artist_name END AS artist_name,
    least(n.first_seen_on, p.first_seen_on) AS first_seen_on,
    greatest(n.last_seen_on, p.last_seen_on) AS last_seen_on
FROM (
    SELECT
        {key},
        artist_id,
        arg_max_null(position, instant) AS position,
        arg_max_null(artist_name, instant) AS artist_name,
        min(observed_on) AS first_seen_on,
        max(observed_on) AS last_seen_on
    FROM (SELECT *, epoch_us(observed_on) + seq AS instant FROM staged_{table})
    GROUP BY {key}, artist_id
) n
LEFT JOIN {table} p USING ({key}, artist_id);
DELETE FROM {table} p USING news n WHERE p.{key} = n.{key} AND p.artist_id = n.artist_id;
INSERT INTO {table} BY NAME SELECT * FROM news ORDER BY {key}, artist_id;
