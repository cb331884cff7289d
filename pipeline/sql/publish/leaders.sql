SELECT
    genre,
    days,
    place,
    one.artist_id,
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
                struct_pack(growth := gained / (followers - gained), artist_id, followers, gained, since, until), 100
            ) FILTER (gained > 0 AND followers - gained >= 1000)) AS leaders
        FROM (
            SELECT
                m.genre,
                d.days,
                g.artist_id,
                g.followers,
                g.until,
                CASE d.days {gained_of_days} END AS gained,
                CASE d.days {since_of_days} END AS since
            FROM (SELECT DISTINCT genre, artist_id FROM artist_genres SEMI JOIN regrown USING (genre)) m
            JOIN artist_growth g ON g.artist_id = m.artist_id
            CROSS JOIN (SELECT unnest({days})::INTEGER AS days) d
        )
        WHERE gained IS NOT NULL
        GROUP BY genre, days
    )
)
ORDER BY genre, days, place
