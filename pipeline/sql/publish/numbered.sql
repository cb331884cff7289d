-- Rows that came before the artist was described.
{given numbered}
UPDATE {table} t
SET artist_no = n.artist_no
FROM numbered n
WHERE t.artist_no IS NULL AND t.artist_id = n.artist_id
