-- Whom files name without history, by the last name they give.
SELECT artist_id, coalesce(arg_max(name, place) FILTER (name IS NOT NULL), '') AS name
FROM given SEMI JOIN (FROM merged WHERE NOT told) USING (artist_id)
GROUP BY artist_id
ORDER BY artist_id
