-- The genres of each kind, in the order of genres.
SELECT unnest([0] || genres) AS genre_no, kind
FROM kinds
ORDER BY genre_no, kind
