-- Growth of those touched, as it has become.
DELETE FROM known_growth WHERE artist_id IN (SELECT artist_id FROM grown);
INSERT INTO known_growth BY NAME FROM grown
