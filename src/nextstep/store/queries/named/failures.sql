-- What was tried and has given nothing to this day, and why?
SELECT f.stage, f.model, f.kind, count(*) AS failures, any_value(f.message) AS example
FROM failures f
WHERE NOT EXISTS (
        FROM proposals p
        WHERE f.stage = 'propose' AND p.moment_id = f.moment_id AND p.candidate = f.candidate AND p.sample = f.sample
            AND p.prompt_hash = f.prompt_hash)
    AND NOT EXISTS (
        FROM verdicts v
        WHERE f.stage = 'judge' AND v.proposal_id = f.proposal_id AND v.judge = f.judge AND v."order" = f."order"
            AND v.prompt_hash = f.prompt_hash)
GROUP BY f.stage, f.model, f.kind
ORDER BY failures DESC, f.stage, f.model, f.kind;
