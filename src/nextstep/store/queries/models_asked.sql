-- Which model stands behind each name, as it was asked?
WITH asked AS (
    SELECT 'candidate' AS role, p.candidate AS name, p.prompt_hash, r.model
    FROM proposals p JOIN replies r USING (reply_id)
    UNION ALL
    SELECT 'candidate', candidate, prompt_hash, model FROM failures WHERE stage = 'propose'
    UNION ALL
    SELECT 'judge', v.judge, v.prompt_hash, r.model FROM verdicts v JOIN replies r USING (reply_id)
    UNION ALL
    SELECT 'judge', v.judge, v.prompt_hash, r.model FROM probe_verdicts v JOIN replies r USING (reply_id)
    UNION ALL
    SELECT 'judge', judge, prompt_hash, model FROM failures WHERE stage IN ('judge', 'probe')
)
SELECT role, name, prompt_hash, min(model) AS model
FROM asked
GROUP BY ALL;
