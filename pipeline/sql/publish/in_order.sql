-- Whether no staged row is of an earlier day than one that was committed before it.
SELECT coalesce(bool_and(first_on >= coalesce(greatest(known_on, before_on), first_on)), true)
FROM (
    SELECT
        first_on,
        max(last_on) OVER (ORDER BY file ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before_on,
        (SELECT max(last_seen_on) FROM {table}) AS known_on
    FROM (
        SELECT arrival // 10000000 AS file, min(observed_on) AS first_on, max(observed_on) AS last_on
        FROM staged_{lake}
        GROUP BY file
    )
)
