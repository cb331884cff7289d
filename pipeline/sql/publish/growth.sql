-- What each artist gained until its last number.
SET VARIABLE ends_first = (SELECT min(until) FROM ends);
SET VARIABLE ends_last = (SELECT max(until) FROM ends);
{befores}

MERGE INTO artist_growth p
USING (
    SELECT
        e.*,
        a.artist_no,
        CASE WHEN e.previous_on >= e.until - 2 THEN e.previous_on END AS since_1,
        CASE WHEN e.previous_on >= e.until - 2 THEN e.followers - e.previous_followers END AS gained_1,
        {since_and_gained}
    FROM ends e
    LEFT JOIN artists a ON a.artist_id = e.artist_id
    {joined_befores}
    ORDER BY a.artist_no, e.artist_id
) n
ON p.artist_id = n.artist_id
WHEN MATCHED THEN UPDATE SET {rest_updated}
WHEN NOT MATCHED THEN INSERT BY NAME
