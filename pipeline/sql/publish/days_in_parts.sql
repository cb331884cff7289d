-- The parts with rows of some days, and how many rows the history files have that would be read for them.
SELECT p.*, r.value AS root, f.filed
FROM state_parts p
SEMI JOIN (SELECT seq FROM state_part_months WHERE first_on <= $2 AND last_on >= $1) m ON m.seq = p.seq
CROSS JOIN (SELECT coalesce(sum(rows), 0) AS filed FROM state_history WHERE first_on <= $2 AND last_on >= $1) f
CROSS JOIN (SELECT value FROM state_meta WHERE key = 'root') r
ORDER BY p.seq
