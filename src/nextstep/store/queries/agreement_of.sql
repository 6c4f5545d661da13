-- How far do the judges of a suite agree?
SELECT * FROM agreement WHERE suite_hash = $suite_hash
ORDER BY judge_a, judge_b, "set" DESC, updated_at;
