-- What the files of an import say, entry by entry, in the order read. `told`: more than an id.
CREATE TEMP TABLE given (
    place BIGINT,
    file INTEGER,
    line BIGINT,
    artist_id VARCHAR,
    told BOOLEAN,
    day DATE,
    name VARCHAR,
    followers BIGINT,
    popularity SMALLINT,
    genres VARCHAR[],
    image_url VARCHAR,
    received VARCHAR
)
