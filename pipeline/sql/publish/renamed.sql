-- Artists whose words may change, told before their rows do.
CREATE OR REPLACE TEMP TABLE renamed AS
SELECT DISTINCT s.artist_id
FROM staged_artists s
LEFT JOIN touched t ON t.artist_id = s.artist_id
LEFT JOIN artists a ON a.artist_no = t.artist_no
WHERE a.name IS NULL OR a.name <> s.name
