-- Of each artist with days that change the last of them.
CREATE OR REPLACE TEMP TABLE last_snapshots AS
FROM seen
ANTI JOIN often USING (key)
UNION ALL BY NAME
SELECT key, max(observed_on) AS observed_on, arg_max_null(followers, observed_on) AS followers,
    arg_max_null(popularity, observed_on) AS popularity
FROM seen
SEMI JOIN often USING (key)
GROUP BY key
