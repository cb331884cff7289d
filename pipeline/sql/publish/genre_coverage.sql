-- Genres: artists ever seen under them and those in them now, by what changed of these.
CREATE OR REPLACE TEMP TABLE changed AS
SELECT genre, sum(artists)::BIGINT AS artists, sum(with_followers)::BIGINT AS with_followers,
    sum(with_releases)::BIGINT AS with_releases, sum(found)::BIGINT AS found, sum(given)::BIGINT AS given
FROM (
    SELECT *, 0 AS found, 0 AS given FROM covered
    UNION ALL
    SELECT genre, 0, 0, 0, if(provenance = 'search', begun, 0), if(provenance = 'spotify', begun, 0) FROM stays
)
GROUP BY genre
ORDER BY genre;
MERGE INTO genre_coverage p
USING changed n
ON p.genre = n.genre
WHEN MATCHED THEN UPDATE SET
    artists = p.artists + n.artists,
    with_followers = p.with_followers + n.with_followers,
    with_releases = p.with_releases + n.with_releases,
    found_now = p.found_now + n.found,
    given_now = p.given_now + n.given
WHEN NOT MATCHED THEN INSERT (genre, artists, with_followers, with_releases, found_now, given_now)
    VALUES (n.genre, n.artists, n.with_followers, n.with_releases, n.found, n.given);
UPDATE genre_coverage p
SET first_seen_on = least(p.first_seen_on, g.first_seen_on), last_seen_on = greatest(p.last_seen_on, g.last_seen_on)
FROM (
    SELECT genre, min(first_seen_on) AS first_seen_on, max(last_seen_on) AS last_seen_on
    FROM known_genres
    GROUP BY genre
) g
WHERE p.genre = g.genre;
UPDATE genre_coverage p
SET swept_on = n.swept_on
FROM (SELECT c.genre, s.swept_on FROM genre_coverage c LEFT JOIN sweeps s ON s.genre = c.genre) n
WHERE p.genre = n.genre AND p.swept_on IS DISTINCT FROM n.swept_on
