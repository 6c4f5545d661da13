-- How was every proposal of a suite judged, which models made it and judged it, and how were they asked?
SELECT
    o.proposal_id, o.moment_id, o.session_id, o.candidate, o.proposal_prompt_hash, o.judge,
    o.verdict_prompt_hash AS prompt_hash, o.score, any_value(r.model) AS model, any_value(w.model) AS judge_model,
    any_value(v.way_hash) AS way_hash
FROM outcomes o
JOIN proposals p USING (proposal_id)
JOIN replies r ON r.reply_id = p.reply_id
JOIN verdicts v ON v.proposal_id = o.proposal_id AND v.judge = o.judge AND v.prompt_hash = o.verdict_prompt_hash
JOIN replies w ON w.reply_id = v.reply_id
WHERE o.moment_id IN (SELECT moment_id FROM suites WHERE suite_hash = $suite_hash) AND v.way_hash IS NOT NULL
GROUP BY ALL
ORDER BY ALL;
