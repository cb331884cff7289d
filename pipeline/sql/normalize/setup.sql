-- Tests of values that the other files here use; the same bounds as in walk.py.
CREATE TEMP MACRO is_odd(text) AS length(text) > 1000 OR contains(text, chr(0)) OR text[1] IN ('{', '[');
-- What walk.py takes for a day, as far as both do: of other notations each knows some.
CREATE TEMP MACRO is_odd_day(told, day) AS told IS NOT NULL AND (day IS NULL OR is_odd(told) OR NOT regexp_full_match(told[:10], '[0-9]{4}-[0-9]{2}-[0-9]{2}'));
CREATE TEMP MACRO is_odd_id(id) AS NOT regexp_full_match(id, '[0-9A-Za-z]{1,64}');
CREATE TEMP MACRO is_odd_link(link) AS length(link) > 1000 OR contains(link, chr(0)) OR NOT (starts_with(link, 'https://') OR starts_with(link, 'http://'));
-- A list of texts by their number and all of them in one, which is made once.
CREATE TEMP MACRO is_odd_list(many, joined) AS many > 50 OR contains(joined, '{') OR contains(joined, '[') OR length(joined) > 1000 OR contains(joined, chr(0));
CREATE TEMP MACRO is_odd_credit(credits) AS
    len(credits) > 0 AND len(list_filter(credits, lambda c: c.id IS NOT NULL AND NOT is_odd_id(c.id) AND NOT coalesce(is_odd(c.name), false))) < len(credits);
