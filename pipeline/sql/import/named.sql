-- Whom files name without history, and whom lists of ids name whatever other files tell of them, by the last name given.
SELECT artist_id, coalesce(arg_max(name, place) FILTER (name IS NOT NULL), '') AS name
FROM given
SEMI JOIN (
    SELECT artist_id FROM merged WHERE NOT told
    UNION ALL
    SELECT artist_id FROM given WHERE list_contains($lists, file)
) USING (artist_id)
GROUP BY artist_id
ORDER BY artist_id
