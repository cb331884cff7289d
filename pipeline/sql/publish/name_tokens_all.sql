-- The words of every name, in the order in which a beginning of a word is looked up.
DELETE FROM name_tokens;
INSERT INTO name_tokens BY NAME
SELECT unnest(list_distinct(words)) AS token, artist_no
FROM (SELECT artist_no, {words} AS words FROM artists)
ORDER BY token, artist_no
