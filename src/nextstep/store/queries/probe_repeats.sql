-- How did a judge answer the same question on a probe twice?
SELECT m.session_id, a.choice AS first, b.choice AS second
FROM probe_verdicts a
JOIN probe_verdicts b USING (probe_id, judge, prompt_hash, "order")
JOIN probes p USING (probe_id)
JOIN moments m USING (moment_id)
WHERE a.sample = 0 AND b.sample = 1 AND a.judge = $judge AND a.prompt_hash = $prompt_hash
    AND p.probe_id IN (SELECT unnest($probe_ids::VARCHAR[]))
ORDER BY ALL
