-- History files of months that have days of which parts with these places in the order of commits have rows.
SELECT DISTINCT h.month
FROM state_history h
JOIN state_part_months p ON p.month = h.month AND p.first_on <= h.last_on AND p.last_on >= h.first_on
WHERE list_contains(?::BIGINT[], p.seq)
