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
GROUP BY s.artist_id
