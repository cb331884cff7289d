-- The words of new names, in the order in which a beginning of a word is looked up.
{given renamed}
CREATE OR REPLACE TEMP TABLE renamed AS SELECT artist_no FROM touched SEMI JOIN renamed USING (artist_id);
DELETE FROM name_tokens WHERE artist_no IN (SELECT artist_no FROM renamed);
INSERT INTO name_tokens BY NAME
SELECT unnest(list_distinct(words)) AS token, artist_no
FROM (SELECT artist_no, {words} AS words FROM artists SEMI JOIN renamed USING (artist_no))
ORDER BY token, artist_no
