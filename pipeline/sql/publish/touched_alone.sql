-- Artists with new rows in {lake} that change no day of a genre.
INSERT INTO touched SELECT artist_id, NULL::DATE FROM staged_{lake}
