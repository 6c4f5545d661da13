-- What did each judge say of each pair, in each order, and what were the two steps? Of one suite, or of all.
SELECT v.verdict_id, p.moment_id, m.session_id, m."set", p.candidate, p.sample, v.judge, v."order", v.choice, v.strength,
    v.reason, p.text AS model_step, coalesce(r.text, m.human_step) AS human_step, p.proposal_id,
    p.prompt_hash AS proposal_prompt_hash, v.prompt_hash AS verdict_prompt_hash, a.model AS candidate_model,
    b.model AS judge_model, v.created_at
FROM verdicts v
JOIN proposals p USING (proposal_id)
JOIN moments m ON m.moment_id = p.moment_id
LEFT JOIN rewrites r USING (rewrite_id)
LEFT JOIN replies a ON a.reply_id = p.reply_id
LEFT JOIN replies b ON b.reply_id = v.reply_id
WHERE $suite_hash IS NULL OR p.moment_id IN (SELECT moment_id FROM suites WHERE suite_hash = $suite_hash)
ORDER BY p.moment_id, p.candidate, p.sample, v.judge, v.prompt_hash, p.proposal_id, v."order" DESC;
