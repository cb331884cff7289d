SELECT artist_no, {days} AS days, gained_{days} / (followers - gained_{days}) AS growth
FROM artist_growth
WHERE gained_{days} > 0 AND followers - gained_{days} >= {least}
