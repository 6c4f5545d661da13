-- What are the win rates of a suite? A jury's stand last.
SELECT * FROM win_rates WHERE suite_hash = $suite_hash
ORDER BY jury IS NOT NULL, judge, candidate, "set" DESC, updated_at;
