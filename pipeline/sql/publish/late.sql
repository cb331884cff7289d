-- Staged rows, each marked late when its day is before one that was committed earlier for the same key.
SELECT
    s.*,
    coalesce(
        s.observed_on < greatest(
            p.last_seen_on,
            max(s.observed_on) OVER (PARTITION BY s.{key} ORDER BY s.arrival ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ),
        false
    ) AS late
FROM staged_{table} s
LEFT JOIN {known} p ON p.{key} = s.{key}
