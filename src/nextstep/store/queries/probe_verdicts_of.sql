-- What have judges said of these probes?
SELECT probe_id, judge, "order", sample, choice, prompt_hash
FROM probe_verdicts
WHERE probe_id IN (SELECT unnest($probe_ids::VARCHAR[]))
