-- Left by a search that is not complete any more: then the last stay has not ended.
{given swept_again}
CREATE OR REPLACE TEMP TABLE taken_back AS
SELECT m.rowid AS place, m.genre
FROM genre_membership m
JOIN artist_genres g
    ON g.genre = m.genre AND g.artist_id = m.artist_id AND g.provenance = m.provenance AND g.last_seen_on + 1 = m.left_on
LEFT JOIN sweeps s ON s.genre = m.genre
WHERE
    m.provenance = 'search' AND m.genre IN (SELECT genre FROM swept_again)
    AND NOT coalesce(s.shown_on > g.last_seen_on, false);
INSERT INTO stays SELECT genre, 'search', count(*) FROM taken_back GROUP BY genre;
UPDATE genre_membership m SET left_on = NULL FROM taken_back n WHERE m.rowid = n.place
