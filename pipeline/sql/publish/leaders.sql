-- Each list in `regrown` from all artists of its genre; a full one ends at its last.
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
INSERT INTO edges
SELECT genre, days, CASE WHEN count(artist_id) >= {kept} THEN min(struct_pack(growth, artist_id)) END
FROM regrown
LEFT JOIN state_leaders USING (genre, days)
GROUP BY genre, days;
UPDATE state_lists l
SET edge_growth = e.edge.growth, edge_id = e.edge.artist_id
FROM edges e
WHERE e.genre = l.genre AND e.days = l.days
