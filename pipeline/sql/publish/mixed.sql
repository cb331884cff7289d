-- History files among whose days rows stand that are in no file.
SELECT DISTINCT month
FROM state_history
JOIN (SELECT DISTINCT observed_on FROM state_snapshots) ON observed_on BETWEEN first_on AND last_on
ORDER BY month
