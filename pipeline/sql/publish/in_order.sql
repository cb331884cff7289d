-- Whether no row of a part is of an earlier day than one committed before it, in whose folder whatever that lies: a batch
-- that lasts over midnight has rows of two days.
SELECT coalesce(bool_and(first_on >= known_on), true)
FROM (
    SELECT
        min(observed_on) AS first_on,
        greatest(
            (SELECT max(last_seen_on) FROM {table}),
            max(max(observed_on)) OVER (ORDER BY arrival // 10000000 ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ) AS known_on
    FROM staged_{table}
    GROUP BY arrival // 10000000
)
