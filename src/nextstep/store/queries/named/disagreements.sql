-- On which moments do candidates part most, so that reading them tells the most?
SELECT moment_id, "set", judge, max(score) - min(score) AS spread, arg_max(candidate, score) AS best,
    arg_min(candidate, score) AS worst
FROM outcomes
GROUP BY ALL
HAVING spread > 0
ORDER BY spread DESC, moment_id;
