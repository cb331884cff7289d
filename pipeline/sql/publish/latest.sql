-- Each attribute keeps its last known value in the order of commits; an absent value never wipes a known one.
MERGE INTO {table} p
USING (
    SELECT *
    FROM (
        SELECT {key}, {staged}, min(observed_on) AS first_seen_on, max(observed_on) AS last_seen_on, min(arrival) AS first_arrival
        FROM ({source})
        GROUP BY {key}
    )
    ORDER BY {order}
) n
ON p.{key} = n.{key}
WHEN MATCHED THEN UPDATE SET
    {updated},
    first_seen_on = least(n.first_seen_on, p.first_seen_on),
    last_seen_on = greatest(n.last_seen_on, p.last_seen_on)
WHEN NOT MATCHED THEN INSERT ({key}, {attributes}, first_seen_on, last_seen_on)
    VALUES (n.{key}, {inserted}, n.first_seen_on, n.last_seen_on)
