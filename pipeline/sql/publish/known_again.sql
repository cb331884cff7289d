-- Of those who are no longer as they were: their rows may lie elsewhere now, and those of new artists were not there.
DELETE FROM known_artists WHERE artist_id IN (SELECT artist_id FROM described WHERE changed);
INSERT INTO known_artists BY NAME
SELECT a.rowid AS place, t.key, t.artist_id, a.artist_no, a.followers, a.last_seen_on, a.releases_checked_on
FROM artists a
JOIN (FROM touched SEMI JOIN (FROM described WHERE changed) USING (artist_id)) t ON t.artist_no = a.artist_no
