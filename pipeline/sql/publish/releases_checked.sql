-- The last day an artist's releases were read: for artists with new pages, and for those that came after their pages.
CREATE OR REPLACE TEMP TABLE checked AS {checked};
{given checked}
UPDATE artists a
SET releases_checked_on = n.observed_on
FROM (
    SELECT b.place, max(p.observed_on) AS observed_on
    FROM state_release_pages p
    SEMI JOIN checked USING (artist_id)
    JOIN known_artists b ON b.artist_id = p.artist_id
    GROUP BY b.place
) n
WHERE a.rowid = n.place AND a.releases_checked_on IS DISTINCT FROM n.observed_on
