-- Genres: artists ever seen under them by what changed of these, the rest counted anew.
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
SET first_seen_on = g.first_seen_on, last_seen_on = g.last_seen_on, found_now = coalesce(m.found_now, 0),
    given_now = coalesce(m.given_now, 0), swept_on = s.swept_on
FROM (
    SELECT genre, min(first_seen_on) AS first_seen_on, max(last_seen_on) AS last_seen_on
    FROM artist_genres
    GROUP BY genre
) g
LEFT JOIN ({members_now}) m ON m.genre = g.genre
LEFT JOIN sweeps s ON s.genre = g.genre
WHERE p.genre = g.genre
