-- Where everything is told anew every artist counts as touched.
CREATE OR REPLACE TEMP VIEW known_artists AS SELECT rowid AS place, {key_of_all} AS key, * FROM artists;
CREATE OR REPLACE TEMP VIEW known_genres AS SELECT rowid AS place, {key_of_all} AS key, * FROM artist_genres;
CREATE OR REPLACE TEMP VIEW known_growth AS SELECT rowid AS place, {key_of_all} AS key, * FROM artist_growth;
CREATE OR REPLACE TEMP VIEW told_genres AS SELECT {key_of_all} AS key, genres FROM artists
