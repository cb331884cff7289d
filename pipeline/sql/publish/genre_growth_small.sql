-- The hundred of each genre that grew most.
CREATE OR REPLACE TEMP TABLE regrown AS SELECT DISTINCT genre FROM artist_genres;
DELETE FROM genre_growth;
INSERT INTO genre_growth
{leaders}
