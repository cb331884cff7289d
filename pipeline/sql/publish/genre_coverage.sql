-- Genres: artists ever seen under them by what changed of these, who is in them now counted anew.
MERGE INTO genre_coverage p
USING (
    SELECT genre, sum(artists)::BIGINT AS artists, sum(with_followers)::BIGINT AS with_followers,
        sum(with_releases)::BIGINT AS with_releases
    FROM covered
    GROUP BY genre
    ORDER BY genre
) n
ON p.genre = n.genre
WHEN MATCHED THEN UPDATE SET
    artists = p.artists + n.artists,
    with_followers = p.with_followers + n.with_followers,
    with_releases = p.with_releases + n.with_releases
WHEN NOT MATCHED THEN INSERT (genre, artists, with_followers, with_releases)
    VALUES (n.genre, n.artists, n.with_followers, n.with_releases);
UPDATE genre_coverage p
SET first_seen_on = least(p.first_seen_on, g.first_seen_on), last_seen_on = greatest(p.last_seen_on, g.last_seen_on)
FROM (
    SELECT genre, min(first_seen_on) AS first_seen_on, max(last_seen_on) AS last_seen_on
    FROM known_genres
    GROUP BY genre
) g
WHERE p.genre = g.genre;
UPDATE genre_coverage p
SET found_now = n.found_now, given_now = n.given_now, swept_on = n.swept_on
FROM (
    SELECT c.genre, coalesce(m.found_now, 0) AS found_now, coalesce(m.given_now, 0) AS given_now, s.swept_on
    FROM genre_coverage c
    LEFT JOIN ({members_now}) m ON m.genre = c.genre
    LEFT JOIN sweeps s ON s.genre = c.genre
) n
WHERE p.genre = n.genre
