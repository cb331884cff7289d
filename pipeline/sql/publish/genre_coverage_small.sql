-- Coverage of every genre at once.
DELETE FROM genre_coverage;
INSERT INTO genre_coverage BY NAME
SELECT g.*, coalesce(m.found_now, 0) AS found_now, coalesce(m.given_now, 0) AS given_now, s.swept_on
FROM (
    SELECT
        genre,
        count(*) AS artists,
        count(a.followers) AS with_followers,
        count(a.releases_checked_on) AS with_releases,
        min(g.first_seen_on) AS first_seen_on,
        max(g.last_seen_on) AS last_seen_on
    FROM (
        SELECT genre, artist_id, min(first_seen_on) AS first_seen_on, max(last_seen_on) AS last_seen_on
        FROM artist_genres
        GROUP BY genre, artist_id
    ) g
    LEFT JOIN artists a ON a.artist_id = g.artist_id
    GROUP BY genre
) g
LEFT JOIN (
    SELECT genre, count(*) FILTER (provenance = 'search') AS found_now, count(*) FILTER (provenance = 'spotify') AS given_now
    FROM genre_membership
    WHERE left_on IS NULL
    GROUP BY genre
) m ON m.genre = g.genre
LEFT JOIN sweeps s ON s.genre = g.genre
ORDER BY g.genre
