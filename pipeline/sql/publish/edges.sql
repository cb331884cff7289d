-- Where each list in `regrown` ends, if it is full.
{given regrown}
INSERT INTO edges
SELECT genre, days, CASE WHEN count(artist_id) >= {kept} THEN min(struct_pack(growth, artist_id)) END
FROM regrown
LEFT JOIN state_leaders USING (genre, days)
GROUP BY genre, days;
{given edges}
UPDATE state_lists l
SET edge_growth = e.edge.growth, edge_id = e.edge.artist_id
FROM edges e
WHERE e.genre = l.genre AND e.days = l.days
