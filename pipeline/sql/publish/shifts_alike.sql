-- Days of artists that are alike, for each of their genres.
INSERT INTO shifts
SELECT
    genre,
    observed_on,
    sum(artists),
    sum(with_followers),
    coalesce(sum(followers_total), 0),
    sum(with_popularity),
    coalesce(sum(popularity_total), 0),
    sum(compared),
    coalesce(sum(gained), 0),
    sum(found),
    coalesce(sum(found_followers), 0)
FROM alike
JOIN (SELECT kind, unnest(list_append(genres, '')) AS genre FROM kinds) USING (kind)
GROUP BY genre, observed_on
