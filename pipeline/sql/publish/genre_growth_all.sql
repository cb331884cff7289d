-- The hundred of each genre that grew most.
CREATE OR REPLACE TEMP TABLE regrown AS
SELECT genre, days
FROM (SELECT DISTINCT genre FROM artist_genres)
CROSS JOIN (SELECT unnest({days})::INTEGER AS days);
DELETE FROM genre_growth;
INSERT INTO genre_growth
{leaders}
