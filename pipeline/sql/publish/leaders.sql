-- Those that grew most, of each list in `regrown`, from all artists of its genre.
SELECT
    genre,
    days,
    place,
    one.artist_id,
    one.artist_no,
    one.followers,
    one.gained,
    one.growth,
    one.since,
    one.until,
    compared
FROM (
    SELECT genre, days, compared, unnest(leaders) AS one, generate_subscripts(leaders, 1) AS place
    FROM (
        SELECT
            genre,
            days,
            count(gained) AS compared,
            list_reverse_sort(max(
                struct_pack(growth := gained / (followers - gained), artist_id, artist_no, followers, gained, since, until), {places}
            ) FILTER (gained > 0 AND followers - gained >= {least})) AS leaders
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
        WHERE gained IS NOT NULL
        GROUP BY genre, days
    )
)
ORDER BY genre, days, place
