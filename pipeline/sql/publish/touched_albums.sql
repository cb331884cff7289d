-- Releases whose known tracks may change in number: also those that lose one to another release.
CREATE OR REPLACE TEMP TABLE touched_albums AS
SELECT album_id FROM staged_tracks
UNION
SELECT album_id FROM staged_releases
UNION
SELECT album_id FROM tracks WHERE track_id IN (SELECT track_id FROM staged_tracks)
