-- How did a judge answer in both orders on the probes of these moments, by the choice when the made step stood first and second?
SELECT p.probe, p.probe_id, p.moment_id, m.session_id, f.choice AS first, s.choice AS second
FROM probes p
JOIN moments m USING (moment_id)
JOIN probe_verdicts f ON f.probe_id = p.probe_id AND f."order" = 'model_first' AND f.sample = 0
JOIN probe_verdicts s ON s.probe_id = p.probe_id AND s."order" = 'human_first' AND s.sample = 0
WHERE f.judge = $judge AND s.judge = $judge AND f.prompt_hash = $prompt_hash AND s.prompt_hash = $prompt_hash
    AND p.probe_id IN (SELECT unnest($probe_ids::VARCHAR[]))
ORDER BY p.probe, p.moment_id
