-- How do candidates do on moments with the same tag?
SELECT o.candidate, o.proposal_prompt_hash, o.judge, o.verdict_prompt_hash, o."set", tag,
    count(DISTINCT o.moment_id) AS moments, round(avg(o.score), 3) AS mean_score
FROM outcomes o
JOIN (SELECT moment_id, unnest(tags) AS tag FROM moments) t USING (moment_id)
GROUP BY ALL
ORDER BY ALL;
