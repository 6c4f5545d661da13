-- Which moments does a suite have, and what is known of them?
SELECT m.*, s.name AS session, s.started_at
FROM moments m
JOIN sessions s USING (session_id)
WHERE m.moment_id IN (SELECT moment_id FROM suites WHERE suite_hash = $suite_hash)
ORDER BY session, m.cut;
