-- The genres that artists gave last, of those with new answers.
CREATE OR REPLACE TEMP TABLE told_genres AS
SELECT artist_id, genres
FROM artists
WHERE artist_no IN (SELECT artist_no FROM touched SEMI JOIN staged_artists USING (artist_id))
