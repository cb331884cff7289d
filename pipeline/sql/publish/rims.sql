-- Stretches, each with the last number of the one before it.
CREATE OR REPLACE TEMP TABLE rims AS
SELECT *, lag(last_on) OVER w AS earlier_on, lag(last_followers) OVER w AS earlier_followers
FROM stretches
WINDOW w AS (PARTITION BY artist_id ORDER BY first_on);
DROP TABLE stretches
