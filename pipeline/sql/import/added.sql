SELECT artist_id, day, name, followers, popularity, genres, image_url, received
FROM compared
WHERE adds
ORDER BY day, artist_id
