-- What was tried at a moment and gave nothing, to this day?
SELECT f.stage, f.candidate, f.sample, f.judge, f."order", f.kind, f.message
FROM failures f
WHERE f.moment_id = $moment_id
    AND NOT EXISTS (
        FROM proposals p
        WHERE f.stage = 'propose' AND p.moment_id = f.moment_id AND p.candidate = f.candidate AND p.sample = f.sample
            AND p.prompt_hash = f.prompt_hash)
    AND NOT EXISTS (
        FROM verdicts v
        WHERE f.stage = 'judge' AND v.proposal_id = f.proposal_id AND v.judge = f.judge AND v."order" = f."order"
            AND v.prompt_hash = f.prompt_hash)
ORDER BY f.candidate, f.stage DESC, f.sample;
