-- Whether the last stay of an artist in a genre has ended: a later complete search, or the last answer, lacked it.
UPDATE genre_membership m
SET left_on = n.left_on
FROM (
    SELECT
        m.genre,
        m.artist_id,
        m.provenance,
        m.entered_on,
        CASE
            WHEN m.provenance = 'search' AND s.shown_on > g.last_seen_on THEN g.last_seen_on + 1
            WHEN m.provenance = 'spotify' AND {lacks} THEN g.last_seen_on + 1
        END AS left_on
    FROM (SELECT genre, artist_id, provenance, max(entered_on) AS entered_on FROM genre_membership GROUP BY ALL) m
    JOIN artist_genres g ON g.genre = m.genre AND g.artist_id = m.artist_id AND g.provenance = m.provenance
    LEFT JOIN sweeps s ON s.genre = m.genre
    LEFT JOIN artists a ON a.artist_id = m.artist_id
) n
WHERE
    m.left_on IS DISTINCT FROM n.left_on AND m.entered_on = n.entered_on
    AND m.genre = n.genre AND m.artist_id = n.artist_id AND m.provenance = n.provenance
