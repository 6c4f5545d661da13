-- What are the win rates of a suite, with all that stands beside them?
SELECT * FROM win_rates WHERE suite_hash = $suite_hash
ORDER BY jury IS NOT NULL, judge, candidate, "set" DESC, prompt_hash;
