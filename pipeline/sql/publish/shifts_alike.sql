-- Days of artists that are alike, for each of their genres. These are in them from their first day on: whoever has a
-- number is found or compared.
INSERT INTO shifts
SELECT
    genre,
    observed_on,
    sum(artists),
    sum(with_followers),
    coalesce(sum(followers_total), 0),
    sum(with_popularity),
    coalesce(sum(popularity_total), 0),
    sum(with_followers) - sum(found),
    coalesce(sum(gained), 0),
    sum(found),
    coalesce(sum(found_followers), 0)
FROM alike
JOIN (SELECT kind, unnest(list_append(genres, '')) AS genre FROM kinds) USING (kind)
GROUP BY genre, observed_on
