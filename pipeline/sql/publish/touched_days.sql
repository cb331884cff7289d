-- Artists with new rows in {lake}, and the days of these.
INSERT INTO touched SELECT artist_id, observed_on FROM {new}
