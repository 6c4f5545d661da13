-- Do the verdicts of a judge change from month to month?
SELECT v.judge, v.prompt_hash, m."set", strftime(v.created_at, '%Y-%m') AS month, count(*) AS verdicts,
    count(DISTINCT p.moment_id) AS moments,
    round(avg(CASE v.choice WHEN 'model' THEN 1 WHEN 'tie' THEN 0.5 ELSE 0 END), 3) AS for_the_model,
    round(avg((v.choice = 'tie')::INT), 3) AS ties,
    round(avg(((v.choice = 'model') = (v."order" = 'model_first') AND v.choice <> 'tie')::INT), 3) AS for_the_first
FROM verdicts v
JOIN proposals p USING (proposal_id)
JOIN moments m USING (moment_id)
GROUP BY ALL
ORDER BY ALL;
