-- With which settings was a suite scored, the last first?
SELECT config
FROM runs
WHERE suite_hash = $suite_hash
ORDER BY started_at DESC, run_id;
