-- What `artists` says of those touched now, and where. (A row whose genres are changed lies elsewhere afterwards.)
CREATE OR REPLACE TEMP TABLE known_artists AS
SELECT a.rowid AS place, t.key, t.artist_id, a.artist_no, a.followers, a.last_seen_on, a.releases_checked_on
FROM artists a
JOIN touched t ON t.artist_no = a.artist_no
