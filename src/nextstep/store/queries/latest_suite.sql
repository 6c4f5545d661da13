-- Which suite was scored last?
SELECT suite_hash FROM win_rates ORDER BY updated_at DESC, suite_hash LIMIT 1;
