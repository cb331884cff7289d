SELECT
    (SELECT count(*) FROM given WHERE day IS NOT NULL OR NOT told) - count(*) AS repeated,
    count(*) FILTER (NOT adds) AS known,
    count(*) FILTER (adds AND told) AS observations,
    count(DISTINCT artist_id) FILTER (adds AND NOT known_artist) AS new_artists,
    count(*) FILTER (adds AND NOT told) AS to_refresh,
    min(day) FILTER (adds AND told) AS first_day,
    max(day) FILTER (adds AND told) AS last_day
FROM compared
