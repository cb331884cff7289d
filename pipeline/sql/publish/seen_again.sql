-- Of artists that are as they were only the days move on.
UPDATE artists p
SET first_seen_on = least(n.first_seen_on, p.first_seen_on), last_seen_on = greatest(n.last_seen_on, p.last_seen_on)
FROM (
    FROM described
    WHERE NOT changed
    ORDER BY place
) n
WHERE p.rowid = n.place AND (n.first_seen_on < p.first_seen_on OR n.last_seen_on > p.last_seen_on)
