-- From version 5 to 6: parts have seals, which replays fill in.
ALTER TABLE parts ADD COLUMN seal TEXT NOT NULL DEFAULT '';
