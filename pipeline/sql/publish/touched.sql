-- Artists with new rows, and from which day on these change their days, and what
-- touched genres are worth less and more; filled from the staged tables that there are.
CREATE OR REPLACE TEMP TABLE touched (artist_id VARCHAR, since DATE);
CREATE OR REPLACE TEMP TABLE covered (genre VARCHAR, artists BIGINT, with_followers BIGINT, with_releases BIGINT);
CREATE OR REPLACE TEMP TABLE stays (genre VARCHAR, provenance VARCHAR, begun BIGINT);
CREATE OR REPLACE TEMP TABLE compared (genre VARCHAR, days INTEGER, compared BIGINT);
CREATE OR REPLACE TEMP TABLE shifts (
    genre VARCHAR, observed_on DATE, artists BIGINT, with_followers BIGINT, followers_total BIGINT, with_popularity BIGINT,
    popularity_total BIGINT, compared BIGINT, gained BIGINT, found BIGINT, found_followers BIGINT
)
