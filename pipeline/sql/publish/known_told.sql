-- The genres that artists gave last, of those with new answers.
CREATE OR REPLACE TEMP TABLE told_genres AS
SELECT t.key, a.genres
FROM artists a
JOIN (FROM touched SEMI JOIN staged_artists USING (artist_id)) t ON t.artist_no = a.artist_no
