-- Each list in `regrown` from all artists of its genre.
{given regrown}
DELETE FROM state_leaders s USING regrown r WHERE r.genre = s.genre AND r.days = s.days;
INSERT INTO state_leaders BY NAME
SELECT genre, days, unnest(leaders, max_depth := 2)
FROM (
    SELECT
        genre,
        days,
        list_reverse_sort(max(
            struct_pack(growth := gained / (followers - gained), artist_id, artist_no, followers, gained, since, until), {kept}
        )) AS leaders
    FROM (
        SELECT
            m.genre,
            d.days,
            g.artist_id,
            g.artist_no,
            g.followers,
            g.until,
            CASE d.days {gained_of_days} END AS gained,
            CASE d.days {since_of_days} END AS since
        FROM (SELECT DISTINCT genre, artist_no FROM artist_genres SEMI JOIN regrown USING (genre)) m
        JOIN artist_growth g ON g.artist_no = m.artist_no
        JOIN regrown d ON d.genre = m.genre
    )
    WHERE gained > 0 AND followers - gained >= {least}
    GROUP BY genre, days
)
ORDER BY genre, days;
{edges}
