-- What became of every (moment, sample) that a candidate was asked for, under one judge?
-- A failed proposal or verdict counts as a failure only until a later run succeeds; what nobody tried yet is pending.
WITH judged AS (
    SELECT moment_id, sample, outcome, score, average_score, flipped FROM outcomes
    WHERE candidate = $candidate AND proposal_prompt_hash = $proposal_prompt_hash
        AND judge = $judge AND verdict_prompt_hash = $verdict_prompt_hash
),
proposed AS (
    SELECT moment_id, sample, proposal_id FROM proposals
    WHERE candidate = $candidate AND prompt_hash = $proposal_prompt_hash
),
unproposed AS (
    SELECT DISTINCT moment_id, sample FROM failures
    WHERE stage = 'propose' AND candidate = $candidate AND prompt_hash = $proposal_prompt_hash
),
unjudged AS (
    SELECT DISTINCT proposal_id FROM failures
    WHERE stage = 'judge' AND judge = $judge AND prompt_hash = $verdict_prompt_hash
)
SELECT
    a.moment_id,
    a.sample,
    m.session_id,
    m."set",
    m.tags,
    n.name AS session,
    CASE
        WHEN j.outcome IS NOT NULL THEN j.outcome
        WHEN p.proposal_id IS NULL AND f.moment_id IS NOT NULL THEN 'failure'
        WHEN u.proposal_id IS NOT NULL THEN 'failure'
        ELSE 'pending'
    END AS outcome,
    j.score,
    j.average_score,
    j.flipped
FROM asked a
JOIN moments m USING (moment_id)
JOIN sessions n USING (session_id)
JOIN suites s ON s.moment_id = a.moment_id AND s.suite_hash = $suite_hash
LEFT JOIN judged j ON j.moment_id = a.moment_id AND j.sample = a.sample
LEFT JOIN proposed p ON p.moment_id = a.moment_id AND p.sample = a.sample
LEFT JOIN unproposed f ON f.moment_id = a.moment_id AND f.sample = a.sample
LEFT JOIN unjudged u ON u.proposal_id = p.proposal_id
WHERE a.candidate = $candidate AND a.prompt_hash = $proposal_prompt_hash
ORDER BY a.moment_id, a.sample;
