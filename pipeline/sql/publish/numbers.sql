-- New artists are numbered as they lie: in the order of their first commit, so that any way of publishing gives the same.
CREATE OR REPLACE TEMP TABLE numbered AS
SELECT
    rowid AS place,
    artist_id,
    coalesce((SELECT max(artist_no) FROM artists), -1) + row_number() OVER (ORDER BY rowid) AS artist_no
FROM artists
WHERE artist_no IS NULL;
{given numbered}
UPDATE artists a
SET artist_no = n.artist_no
FROM numbered n
WHERE a.rowid = n.place
