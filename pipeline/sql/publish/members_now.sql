-- How many artists are in each genre today, by who says so.
SELECT genre, count(*) FILTER (provenance = 'search') AS found_now, count(*) FILTER (provenance = 'spotify') AS given_now
FROM genre_membership
WHERE left_on IS NULL
GROUP BY genre
