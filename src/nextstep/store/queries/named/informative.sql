-- Which moments tell candidates apart best, and which tell nothing because all win or all lose there?
-- The variance of the candidates' mean scores at a moment: 0 where a moment tells nothing, 0.25 at most.
WITH scores AS (
    SELECT moment_id, session_id, "set", judge, verdict_prompt_hash, candidate, proposal_prompt_hash, avg(score) AS score
    FROM outcomes
    GROUP BY ALL
)
SELECT c.moment_id, s.name || ':' || m.cut AS moment, c."set", c.judge, c.verdict_prompt_hash AS prompt_hash,
    count(*) AS candidates, round(avg(c.score), 3) AS mean_score, round(var_pop(c.score), 4) AS informative,
    arg_max(c.candidate, (c.score, c.candidate)) AS best, arg_min(c.candidate, (c.score, c.candidate)) AS worst
FROM scores c
JOIN moments m USING (moment_id)
JOIN sessions s ON s.session_id = c.session_id
GROUP BY c.moment_id, moment, c."set", c.judge, c.verdict_prompt_hash
HAVING count(*) > 1
ORDER BY informative DESC, moment, c.judge, prompt_hash;
