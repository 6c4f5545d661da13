-- Which candidates have win rates?
SELECT DISTINCT candidate FROM win_rates ORDER BY candidate;
