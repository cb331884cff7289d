-- New artists are numbered in the order of their first commit, so that any way of publishing gives the same numbers.
CREATE OR REPLACE TEMP TABLE numbered AS
SELECT
    artist_id,
    coalesce((SELECT max(artist_no) FROM artists), -1) + row_number() OVER (ORDER BY min(arrival), artist_id) AS artist_no
FROM staged_artists
SEMI JOIN (SELECT artist_id FROM artists WHERE artist_no IS NULL) USING (artist_id)
GROUP BY artist_id;
UPDATE artists a
SET artist_no = n.artist_no
FROM numbered n
WHERE a.artist_no IS NULL AND a.artist_id = n.artist_id
