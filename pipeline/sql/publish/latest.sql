-- Each attribute keeps its latest known value: by day, and within a day by order of commit; an absent value never wipes a known one.
CREATE OR REPLACE TEMP TABLE news AS
SELECT
    n.{key},
    {values},
    {days},
    least(n.first_seen_on, p.first_seen_on) AS first_seen_on,
    greatest(n.last_seen_on, p.last_seen_on) AS last_seen_on
    {kept}
FROM (
    SELECT
        {key},
        {staged},
        min(observed_on) AS first_seen_on,
        max(observed_on) AS last_seen_on
    FROM (SELECT *, epoch_us(observed_on) + seq AS instant FROM staged_{table})
    GROUP BY {key}
) n
LEFT JOIN {table} p USING ({key})
LEFT JOIN state_{table} s USING ({key});
DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM news);
DELETE FROM state_{table} WHERE {key} IN (SELECT {key} FROM news);
INSERT INTO {table} BY NAME SELECT {published} FROM news ORDER BY {key};
INSERT INTO state_{table} BY NAME SELECT {key}, {day_names} FROM news ORDER BY {key};
