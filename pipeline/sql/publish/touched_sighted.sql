-- Artists that were seen under a genre, and the first day of that.
INSERT INTO touched SELECT artist_id, min(observed_on) FROM sighted GROUP BY artist_id
