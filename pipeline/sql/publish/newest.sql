-- One row per key: the newest observation stands whole, by day and within a day by order of commit.
CREATE OR REPLACE TEMP TABLE news AS
SELECT {keys}, unnest(newest), observed_on
FROM (
    SELECT {keys}, arg_max({rest}, epoch_us(observed_on) + seq) AS newest, max(observed_on) AS observed_on
    FROM staged_{lake}
    GROUP BY {keys}
) n
WHERE NOT EXISTS (SELECT 1 FROM {table} p WHERE {match} AND p.observed_on > n.observed_on);
DELETE FROM {table} p USING news n WHERE {match};
INSERT INTO {table} BY NAME SELECT * FROM news ORDER BY {keys};
