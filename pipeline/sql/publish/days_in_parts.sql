-- The parts with rows of the days from which growth is counted, and how many rows the history files have that would be read
-- for these days.
WITH asked AS (SELECT unnest($days::INTEGER[]) AS days),
spans AS (SELECT days, $first::DATE - days AS first_on, $last::DATE - days AS last_on FROM asked)
SELECT
    s.days,
    p.*,
    (SELECT coalesce(sum(rows), 0) FROM state_history h WHERE h.first_on <= s.last_on AND h.last_on >= s.first_on) AS filed
FROM spans s
JOIN (
    SELECT DISTINCT days, seq
    FROM spans t
    JOIN state_part_months m ON m.first_on <= t.last_on AND m.last_on >= t.first_on
) m ON m.days = s.days
JOIN state_parts p ON p.seq = m.seq
ORDER BY s.days, p.seq
