-- The hundred of each genre that grew most: of genres whose artists have new numbers.
CREATE OR REPLACE TEMP TABLE regrown AS
SELECT DISTINCT genre FROM artist_genres SEMI JOIN touched USING (artist_id);
DELETE FROM genre_growth WHERE genre IN (SELECT genre FROM regrown);
INSERT INTO genre_growth
{leaders}
