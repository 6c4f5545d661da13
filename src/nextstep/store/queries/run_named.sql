-- Which runs evaluated candidates, and is it one of them that is meant? The last first.
SELECT run_id, command, started_at, status, suite_hash, version, config
FROM runs
WHERE json_exists(config, '$.contests') AND ($run_id = 'last' OR starts_with(run_id, $run_id))
ORDER BY started_at DESC, run_id;
