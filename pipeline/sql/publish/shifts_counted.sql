-- First numbers: in each genre of their kind they are found, or gained since the last number of a month before. Where they
-- are of a day in a genre that was entered after the number before them, they are found in that genre after all.
INSERT INTO shifts
SELECT
    genre,
    observed_on,
    0,
    0,
    0,
    0,
    0,
    -coalesce(sum(found), 0),
    coalesce(sum(gained), 0),
    coalesce(sum(found), 0),
    coalesce(sum(found_followers), 0)
FROM counted
JOIN (SELECT kind, unnest([0] || genres) AS genre_no FROM kinds) USING (kind)
JOIN genre_numbers USING (genre_no)
GROUP BY genre, observed_on;
INSERT INTO shifts
SELECT genre, observed_on, 0, 0, 0, 0, 0, -count(*), -sum(followers - earlier_followers), count(*), sum(followers)
FROM entered
JOIN known_members USING (key, entered_on)
GROUP BY genre, observed_on
