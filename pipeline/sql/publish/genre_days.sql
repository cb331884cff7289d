-- Days of genres, moved by what changed of their artists. A sum over nobody is unknown, not 0.
MERGE INTO genre_days p
USING (
    SELECT
        genre,
        observed_on,
        sum(artists)::BIGINT AS artists,
        sum(with_followers)::BIGINT AS with_followers,
        sum(followers_total)::BIGINT AS followers_total,
        sum(with_popularity)::BIGINT AS with_popularity,
        sum(popularity_total)::BIGINT AS popularity_total,
        sum(compared)::BIGINT AS compared,
        sum(gained)::BIGINT AS gained,
        sum(found)::BIGINT AS found,
        sum(found_followers)::BIGINT AS found_followers
    FROM shifts
    GROUP BY genre, observed_on
    ORDER BY genre, observed_on
) n
ON p.observed_on = n.observed_on AND p.genre = n.genre
WHEN MATCHED THEN UPDATE SET
    artists = p.artists + n.artists,
    with_followers = p.with_followers + n.with_followers,
    followers_total = CASE WHEN p.with_followers + n.with_followers > 0 THEN coalesce(p.followers_total, 0) + n.followers_total END,
    with_popularity = p.with_popularity + n.with_popularity,
    popularity_total = CASE WHEN p.with_popularity + n.with_popularity > 0 THEN coalesce(p.popularity_total, 0) + n.popularity_total END,
    compared = p.compared + n.compared,
    gained = CASE WHEN p.compared + n.compared > 0 THEN coalesce(p.gained, 0) + n.gained END,
    found = p.found + n.found,
    found_followers = CASE WHEN p.found + n.found > 0 THEN coalesce(p.found_followers, 0) + n.found_followers END
WHEN NOT MATCHED THEN INSERT VALUES (
    n.genre,
    n.observed_on,
    n.artists,
    n.with_followers,
    CASE WHEN n.with_followers > 0 THEN n.followers_total END,
    n.with_popularity,
    CASE WHEN n.with_popularity > 0 THEN n.popularity_total END,
    n.compared,
    CASE WHEN n.compared > 0 THEN n.gained END,
    n.found,
    CASE WHEN n.found > 0 THEN n.found_followers END
)
