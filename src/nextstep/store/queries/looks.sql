-- Which gates have looked at these two candidates under this judge on this suite, the first first?
SELECT gate_id, "set", margin, alpha, data_hash, verdict
FROM gates
WHERE suite_hash = $suite_hash AND candidate = $candidate AND candidate_prompt_hash = $candidate_prompt_hash
    AND baseline = $baseline AND baseline_prompt_hash = $baseline_prompt_hash
    AND judge = $judge AND verdict_prompt_hash = $verdict_prompt_hash AND difference IS NOT NULL
ORDER BY decided_at, gate_id;
