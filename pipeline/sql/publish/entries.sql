-- In a database built from nothing: who entered which genres when. On each such day an artist becomes one of those who
-- are in the same genres from then on: of a `kind`. Of kind 0 are those who are in none yet; genre 0, '', has all.
CREATE OR REPLACE TEMP TABLE known_members AS
SELECT artist_no AS key, genre, min(first_seen_on) AS entered_on
FROM artist_genres
GROUP BY artist_no, genre;
CREATE OR REPLACE TEMP TABLE genre_numbers AS
SELECT genre, row_number() OVER (ORDER BY genre) AS genre_no FROM (SELECT DISTINCT genre FROM known_members)
UNION ALL
SELECT '', 0;
CREATE OR REPLACE TEMP TABLE entries AS
SELECT e.key, e.entered_on, list_sort(list(n.genre_no)) AS genres
FROM (SELECT DISTINCT key, entered_on FROM known_members WHERE key IS NOT NULL) e
JOIN known_members m ON m.key = e.key AND m.entered_on <= e.entered_on
JOIN genre_numbers n ON n.genre = m.genre
GROUP BY e.key, e.entered_on;
CREATE OR REPLACE TEMP TABLE kinds AS
SELECT genres, row_number() OVER () AS kind FROM (SELECT DISTINCT genres FROM entries)
UNION ALL
SELECT [], 0;
CREATE OR REPLACE TEMP TABLE counted (kind BIGINT, observed_on DATE, gained BIGINT, found BIGINT, found_followers BIGINT);
CREATE OR REPLACE TEMP TABLE entered (key BIGINT, entered_on DATE, observed_on DATE, followers BIGINT, earlier_followers BIGINT)
