-- How many tracks of a release are known.
UPDATE releases r
SET tracks_read = n.tracks_read
FROM (SELECT album_id, count(*) AS tracks_read FROM tracks GROUP BY album_id) n
WHERE r.album_id = n.album_id AND r.tracks_read IS DISTINCT FROM n.tracks_read
