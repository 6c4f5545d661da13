-- What are the win rates of a suite?
SELECT * FROM win_rates WHERE suite_hash = $suite_hash
ORDER BY judge, candidate, "set" DESC, updated_at;
