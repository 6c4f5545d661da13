-- Which moments does a suite have?
SELECT moment_id FROM suites WHERE suite_hash = $suite_hash ORDER BY moment_id;
