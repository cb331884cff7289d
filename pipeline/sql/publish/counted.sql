-- Days of artists in each of their genres: whether there was a number before, and was it of a day in the genre.
counted AS (
    SELECT
        e.genre,
        l.*,
        coalesce(l.earlier_on >= e.entered_on, false) AND l.followers IS NOT NULL AS is_compared,
        coalesce(l.earlier_on < e.entered_on, true) AND l.followers IS NOT NULL AS is_found
    FROM linked l
    JOIN entered e ON e.key = l.key
    WHERE l.observed_on >= e.entered_on
)
