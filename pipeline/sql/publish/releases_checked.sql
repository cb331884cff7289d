-- The last day an artist's releases were read: for artists with new pages, and for those that came after their pages.
UPDATE artists a
SET releases_checked_on = n.observed_on
FROM (
    SELECT artist_id, max(observed_on) AS observed_on
    FROM state_release_pages
    SEMI JOIN (SELECT artist_id FROM staged_release_pages UNION SELECT artist_id FROM staged_artists) USING (artist_id)
    GROUP BY artist_id
) n
WHERE a.artist_id = n.artist_id AND a.releases_checked_on IS DISTINCT FROM n.observed_on
