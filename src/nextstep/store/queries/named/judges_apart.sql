-- On which proposals do two judges part, and what does each say?
SELECT a.moment_id, a.candidate, a.proposal_prompt_hash AS prompt_hash, a.sample,
    a.judge AS judge_a, a.verdict_prompt_hash AS prompt_hash_a, a.outcome AS outcome_a,
    b.judge AS judge_b, b.verdict_prompt_hash AS prompt_hash_b, b.outcome AS outcome_b,
    any_value(v.reason) AS reason_a, any_value(w.reason) AS reason_b
FROM outcomes a
JOIN outcomes b ON b.proposal_id = a.proposal_id AND a.judge < b.judge AND a.outcome <> b.outcome
JOIN verdicts v ON v.proposal_id = a.proposal_id AND v.judge = a.judge AND v.prompt_hash = a.verdict_prompt_hash
    AND v."order" = 'model_first'
JOIN verdicts w ON w.proposal_id = b.proposal_id AND w.judge = b.judge AND w.prompt_hash = b.verdict_prompt_hash
    AND w."order" = 'model_first'
GROUP BY ALL
ORDER BY abs(any_value(a.score) - any_value(b.score)) DESC, a.moment_id, a.candidate, prompt_hash, a.sample,
    judge_a, prompt_hash_a, judge_b, prompt_hash_b;
