-- How was each pair of steps judged, in both orders, and what did candidate and human say?
SELECT o.moment_id, s.name || ':' || m.cut AS moment, o."set", o.candidate, o.sample, o.judge,
    o.verdict_prompt_hash AS prompt_hash, o.outcome, o.score, o.model_first, o.human_first,
    p.text AS model_step, coalesce(r.text, m.human_step) AS human_step
FROM outcomes o
JOIN proposals p USING (proposal_id)
JOIN moments m ON m.moment_id = o.moment_id
JOIN sessions s ON s.session_id = o.session_id
LEFT JOIN rewrites r ON r.rewrite_id = o.rewrite_id
ORDER BY moment, o.candidate, o.sample, o.judge, prompt_hash, o.proposal_id;
