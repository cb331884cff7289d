-- The days from which growth over so many days is counted, until the last numbers of the artists in `ends`.
SELECT min(until) - $days, max(until) - $days FROM ends
