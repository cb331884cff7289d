-- The same of a table without rows. Artists are numbered as they lie: in the order of their first commit.
INSERT INTO {table} ({key}, {attributes}, first_seen_on, last_seen_on{number_name})
SELECT n.{key}, {inserted}, n.first_seen_on, n.last_seen_on{number}
FROM (
    FROM (
        SELECT {key}, {staged}, min(observed_on) AS first_seen_on, max(observed_on) AS last_seen_on, min(arrival) AS first_arrival
        FROM ({source})
        GROUP BY {key}
    )
    ORDER BY {order}
) n
