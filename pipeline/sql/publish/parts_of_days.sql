-- Numbers as parts have them, of artists that are asked for: of several on a day the one committed last.
CREATE OR REPLACE TEMP VIEW {name} AS
SELECT artist_id, observed_on, arg_max(followers, place) AS followers
FROM ({parts})
SEMI JOIN ends USING (artist_id)
WHERE followers IS NOT NULL
GROUP BY artist_id, observed_on
