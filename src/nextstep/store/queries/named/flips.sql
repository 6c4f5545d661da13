-- Where did a judge's two orders contradict each other?
SELECT o.judge, o.verdict_prompt_hash AS prompt_hash, o.candidate, o.moment_id, o.sample, v."order", v.choice,
    v.strength, v.reason
FROM outcomes o
JOIN verdicts v ON v.proposal_id = o.proposal_id AND v.judge = o.judge AND v.prompt_hash = o.verdict_prompt_hash
WHERE o.outcome = 'flip'
ORDER BY ALL;
