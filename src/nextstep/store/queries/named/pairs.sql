-- How was each pair of steps judged, in both orders, and what did candidate and human say?
SELECT o.moment_id, s.name || ':' || m.cut AS moment, o."set", o.candidate, o.sample, o.judge,
    o.verdict_prompt_hash AS prompt_hash, o.outcome, o.score, f.choice AS model_first, h.choice AS human_first,
    p.text AS model_step, coalesce(r.text, m.human_step) AS human_step
FROM outcomes o
JOIN proposals p USING (proposal_id)
JOIN moments m ON m.moment_id = o.moment_id
JOIN sessions s ON s.session_id = o.session_id
JOIN verdicts f ON f.proposal_id = o.proposal_id AND f.judge = o.judge AND f.prompt_hash = o.verdict_prompt_hash
    AND f."order" = 'model_first'
JOIN verdicts h ON h.proposal_id = o.proposal_id AND h.judge = o.judge AND h.prompt_hash = o.verdict_prompt_hash
    AND h."order" = 'human_first'
LEFT JOIN rewrites r ON r.rewrite_id = f.rewrite_id
ORDER BY moment, o.candidate, o.sample, o.judge, prompt_hash, o.proposal_id;
