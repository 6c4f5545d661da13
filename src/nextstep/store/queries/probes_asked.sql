-- Which of these probes was a judge asked about, in both orders or in one, and of which session are they?
SELECT p.probe, p.probe_id, m.session_id
FROM probes p
JOIN moments m USING (moment_id)
WHERE p.probe_id IN (SELECT unnest($probe_ids::VARCHAR[]))
    AND (EXISTS (FROM probe_verdicts v
                 WHERE v.probe_id = p.probe_id AND v.judge = $judge AND v.prompt_hash = $prompt_hash)
        OR EXISTS (FROM failures f
                   WHERE f.stage = 'probe' AND f.proposal_id = p.probe_id AND f.judge = $judge
                       AND f.prompt_hash = $prompt_hash))
ORDER BY p.probe, p.probe_id
