-- Numbers of an artist on a day.
SELECT file, artist_id, observed_on, followers, popularity
FROM artist_days
