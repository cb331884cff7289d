-- Artists with new answers: where they lie, which days these are of, and whether one of them says what is not known yet.
-- Most say what the last one said.
CREATE OR REPLACE TEMP TABLE described AS
SELECT
    s.artist_id,
    any_value(k.place) AS place,
    min(s.observed_on) AS first_seen_on,
    max(s.observed_on) AS last_seen_on,
    bool_or(k.place IS NULL OR {differs}) AS changed
FROM staged_artists s
LEFT JOIN known_artists k ON k.artist_id = s.artist_id
LEFT JOIN artists a ON a.rowid = k.place
GROUP BY s.artist_id;
-- Of the others the whole row as it will be: nothing of it needs to be read again where it is changed.
CREATE OR REPLACE TEMP TABLE renewed AS
SELECT
    d.place,
    n.artist_id,
    p.artist_no,
    p.followers,
    p.popularity,
    p.releases_checked_on,
    {renewed},
    least(n.first_seen_on, p.first_seen_on) AS first_seen_on,
    greatest(n.last_seen_on, p.last_seen_on) AS last_seen_on
FROM (
    SELECT artist_id, {staged}, min(observed_on) AS first_seen_on, max(observed_on) AS last_seen_on, min(arrival) AS first_arrival
    FROM ({source})
    SEMI JOIN (FROM described WHERE changed) USING (artist_id)
    GROUP BY artist_id
) n
JOIN described d ON d.artist_id = n.artist_id
LEFT JOIN artists p ON p.rowid = d.place
ORDER BY n.first_arrival, n.artist_id
