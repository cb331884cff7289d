-- Artists with new rows in {lake}, and the first day of these.
INSERT INTO touched SELECT artist_id, min(observed_on) FROM staged_{lake} GROUP BY artist_id
