-- What the statements of the ledger call and PostgreSQL has by another name, or not at all. It stands before PostgreSQL's
-- own in the search path of a ledger's schema. Texts compare by their bytes there, as in a file.
CREATE TABLE IF NOT EXISTS ledger_format (version bigint NOT NULL);

CREATE OR REPLACE FUNCTION max(a double precision, b double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT CASE WHEN $1 >= $2 THEN $1 ELSE $2 END';
CREATE OR REPLACE FUNCTION max(a text, b text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT CASE WHEN $1 COLLATE "C" >= $2 THEN $1 ELSE $2 END';
CREATE OR REPLACE FUNCTION round(number double precision, places integer) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.round($1::numeric, $2)::double precision';
CREATE OR REPLACE FUNCTION date(seconds double precision, unit text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT to_char(to_timestamp($1) AT TIME ZONE ''UTC'', ''YYYY-MM-DD'')';
CREATE OR REPLACE FUNCTION lower(words text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.lower($1 COLLATE "C")';
CREATE OR REPLACE FUNCTION instr(words text, part text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT strpos($1 COLLATE "C", $2)';
CREATE OR REPLACE FUNCTION json_array_length(array_text text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT pg_catalog.json_array_length($1::json)';
CREATE OR REPLACE FUNCTION json_extract(object_text text, path text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT $1::json ->> substr($2, 3)';
CREATE OR REPLACE FUNCTION json_each(array_text text) RETURNS TABLE (value text)
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT json_array_elements_text($1::json)';
CREATE OR REPLACE FUNCTION json_each(object_text text, path text) RETURNS TABLE (value text)
    LANGUAGE sql IMMUTABLE STRICT AS 'SELECT json_array_elements_text($1::json -> substr($2, 3))';

-- After rows came with numbers of their own: the next number is above all that were ever given.
CREATE OR REPLACE FUNCTION count_on() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    own record;
    highest bigint;
BEGIN
    FOR own IN SELECT table_name AS place, column_name AS name FROM information_schema.columns
               WHERE table_schema = current_schema AND is_identity = 'YES' LOOP
        EXECUTE format('SELECT max(%I) FROM %I', own.name, own.place) INTO highest;
        highest := greatest(highest, nextval(pg_get_serial_sequence(quote_ident(own.place), own.name)));
        PERFORM setval(pg_get_serial_sequence(quote_ident(own.place), own.name), highest);
    END LOOP;
END $$;
