-- On which moments do two candidates part most, so that reading them tells the most?
WITH scores AS (
    SELECT moment_id, "set", judge, verdict_prompt_hash, candidate, proposal_prompt_hash, avg(score) AS score
    FROM outcomes
    GROUP BY ALL
)
SELECT a.moment_id, a."set", a.judge, a.verdict_prompt_hash AS prompt_hash, a.score - b.score AS spread,
    a.candidate AS best, b.candidate AS worst
FROM scores a
JOIN scores b ON b.moment_id = a.moment_id AND b.judge = a.judge AND b.verdict_prompt_hash = a.verdict_prompt_hash
    AND b.candidate <> a.candidate AND b.score < a.score
QUALIFY row_number() OVER (
    PARTITION BY a.moment_id, a.judge, a.verdict_prompt_hash
    ORDER BY spread DESC, best, worst, a.proposal_prompt_hash, b.proposal_prompt_hash) = 1
ORDER BY spread DESC, a.moment_id, a.judge, prompt_hash;
