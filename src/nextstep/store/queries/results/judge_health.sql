-- What do the cards of a suite's judges say?
SELECT * FROM judge_health WHERE suite_hash = $suite_hash
ORDER BY judge, prompt_hash, probe;
