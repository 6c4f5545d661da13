-- Which made pairs of a suite's moments count for a judge? Of several at one moment, one: made with the prompts that a
-- scribe was given last, and of the steps that came first, which are those that a calibration would take.
WITH asked AS (
    SELECT probe_id FROM probe_verdicts WHERE judge = $judge AND prompt_hash = $prompt_hash
    UNION
    SELECT proposal_id FROM failures WHERE stage = 'probe' AND judge = $judge AND prompt_hash = $prompt_hash
),
made AS (
    SELECT moment_id, text, min(created_at) AS created_at, max(given) AS given
    FROM (SELECT *, max(created_at) OVER (PARTITION BY kind, prompt_hash) AS given FROM rewrites)
    GROUP BY ALL
)
SELECT p.probe_id
FROM probes p
SEMI JOIN asked a ON a.probe_id = p.probe_id
SEMI JOIN (FROM suites WHERE suite_hash = $suite_hash) s ON s.moment_id = p.moment_id
LEFT JOIN made step ON step.moment_id = p.moment_id AND step.text = p.step
LEFT JOIN made against ON against.moment_id = p.moment_id AND against.text = p.against
QUALIFY row_number() OVER (
    PARTITION BY p.probe, p.moment_id
    ORDER BY step.given DESC NULLS LAST, against.created_at, step.created_at, p.created_at, p.probe_id) = 1
ORDER BY p.probe_id;
