-- How many tracks of a release are known; NULL where none is, also when its last one was found on another release.
UPDATE releases r
SET tracks_read = n.tracks_read
FROM (
    SELECT x.album_id, nullif(count(t.track_id), 0) AS tracks_read
    FROM touched_albums x
    LEFT JOIN tracks t ON t.album_id = x.album_id
    GROUP BY x.album_id
) n
WHERE r.album_id = n.album_id AND r.tracks_read IS DISTINCT FROM n.tracks_read
