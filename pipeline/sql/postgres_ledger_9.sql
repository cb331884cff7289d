-- From version 8 to 9 on a server, where a constraint can go by itself.
ALTER TABLE parts DROP CONSTRAINT IF EXISTS parts_path_key;
