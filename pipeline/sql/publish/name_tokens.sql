-- The words of new names, in the order in which a beginning of a word is looked up.
DELETE FROM name_tokens WHERE artist_id IN (SELECT artist_id FROM renamed);
INSERT INTO name_tokens BY NAME
SELECT unnest(list_distinct(words)) AS token, artist_id, ' ' || array_to_string(words, ' ') AS name
FROM (SELECT artist_id, {words} AS words FROM artists SEMI JOIN renamed USING (artist_id))
ORDER BY token, artist_id
