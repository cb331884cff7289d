-- Those touched that have a number only since their description came; their key stays.
{given numbered}
UPDATE touched t SET artist_no = n.artist_no FROM numbered n WHERE t.artist_id = n.artist_id
