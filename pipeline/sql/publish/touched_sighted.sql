-- Artists that were seen under a genre, and the days of that.
INSERT INTO touched SELECT artist_id, observed_on FROM sighted
