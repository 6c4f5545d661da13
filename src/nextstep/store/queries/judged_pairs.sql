-- How did a judge answer in both orders on the proposals for these moments?
SELECT o.moment_id, o.session_id, o."set", o.candidate, o.proposal_prompt_hash, o.sample, o.score, f.choice AS first, s.choice AS second
FROM outcomes o
JOIN verdicts f ON f.proposal_id = o.proposal_id AND f.judge = o.judge AND f.prompt_hash = o.verdict_prompt_hash
    AND f."order" = 'model_first'
JOIN verdicts s ON s.proposal_id = o.proposal_id AND s.judge = o.judge AND s.prompt_hash = o.verdict_prompt_hash
    AND s."order" = 'human_first'
WHERE o.judge = $judge AND o.verdict_prompt_hash = $prompt_hash
    AND o.moment_id IN (SELECT unnest($moment_ids::VARCHAR[]))
ORDER BY o.moment_id, o.candidate, o.sample
