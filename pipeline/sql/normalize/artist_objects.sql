-- One row per artist object, `place` in the order received; sorted as the tables made of them are, which are so in no time.
CREATE OR REPLACE TEMP TABLE artist_objects AS
FROM (
    SELECT
        row_number() OVER () AS place,
        file,
        line,
        observed_on,
        genre AS asked_genre,
        object.id AS artist_id,
        object.name,
        object.genres,
        object.images[1].url AS image_url,
        object.external_urls.spotify AS spotify_url,
        object.followers.total AS followers,
        object.popularity
    FROM (SELECT file, line, observed_on, genre, unnest(artists) AS object FROM answers)
    WHERE object.id IS NOT NULL
)
ORDER BY file, artist_id, observed_on;
-- Artists of whom there are several objects: to put these together takes longer than all the rest, and few need it.
CREATE OR REPLACE TEMP TABLE artist_repeats AS
SELECT file, artist_id, observed_on FROM artist_objects GROUP BY file, artist_id, observed_on HAVING count(*) > 1
