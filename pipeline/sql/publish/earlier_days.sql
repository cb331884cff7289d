-- The days of the last numbers of the artists in `ends`.
SELECT min(until), max(until) FROM ends
