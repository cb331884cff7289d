-- Artists whose words may change, told before their rows do.
CREATE OR REPLACE TEMP TABLE renamed AS
SELECT DISTINCT s.artist_id
FROM staged_artists s
JOIN described d ON d.artist_id = s.artist_id
LEFT JOIN artists a ON a.rowid = d.place
WHERE d.changed AND (a.name IS NULL OR a.name <> s.name)
