-- Which runs were there, the last first?
SELECT run_id, command, started_at, finished_at, status, error, suite_hash, version, calls, failed, cost_usd
FROM runs
ORDER BY started_at DESC, run_id
LIMIT $limit;
