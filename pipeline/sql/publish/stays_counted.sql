-- In a database built from nothing: the stays that go on.
INSERT INTO stays
SELECT genre, provenance, count(*)
FROM genre_membership
WHERE left_on IS NULL
GROUP BY genre, provenance
