-- Those touched that have a number only since their description came; their key stays.
UPDATE touched t SET artist_no = n.artist_no FROM numbered n WHERE t.artist_id = n.artist_id;
UPDATE known_genres g SET artist_no = n.artist_no FROM numbered n WHERE g.artist_no IS NULL AND g.artist_id = n.artist_id
