-- Who has news: as any row with a list, a changed one comes to lie at the end.
{given renewed}
DELETE FROM artists WHERE rowid IN (SELECT place FROM renewed);
INSERT INTO artists BY NAME SELECT * EXCLUDE (place) FROM renewed
