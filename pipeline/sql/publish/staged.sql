-- The rows to be published of one lake table, with the order in which they were committed and in which they were observed.
CREATE OR REPLACE TEMP VIEW staged_{lake} AS
SELECT
    * EXCLUDE (place),
    place * 10000000 + (observed_on - DATE '1970-01-01') AS arrival,
    (observed_on - DATE '1970-01-01') * 10000000 + place AS moment
FROM ({parts})
WHERE {condition}
