-- First and last day of the rows that stand in no history file: by months, and of one that has a file what is before and
-- after its days.
SELECT min(observed_on), max(observed_on)
FROM (SELECT DISTINCT observed_on, strftime(observed_on, '%Y-%m') AS month FROM state_snapshots)
LEFT JOIN state_history USING (month)
GROUP BY month, observed_on > last_on
