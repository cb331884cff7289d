-- Days of genres, as they were counted. Whoever has a number is taken to have been compared: `shifts_counted` corrects that.
INSERT INTO shifts
SELECT genre, observed_on, artists, with_followers, followers, with_popularity, popularity, with_followers, gained, 0, 0
FROM arrived
JOIN genre_numbers USING (genre_no)
