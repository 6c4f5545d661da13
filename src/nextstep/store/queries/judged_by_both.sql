-- How were the proposals of a suite judged that two of these judges have judged?
-- One judge under two names is not two: it gave its answer once.
WITH jurors AS (SELECT unnest($judges::VARCHAR[]) AS judge, unnest($prompt_hashes::VARCHAR[]) AS verdict_prompt_hash),
judged AS (
    SELECT o.*
    FROM outcomes o
    SEMI JOIN jurors USING (judge, verdict_prompt_hash)
    SEMI JOIN suites s ON s.moment_id = o.moment_id AND s.suite_hash = $suite_hash
)
SELECT
    a.judge AS judge_a,
    a.verdict_prompt_hash AS prompt_hash_a,
    b.judge AS judge_b,
    b.verdict_prompt_hash AS prompt_hash_b,
    a."set",
    a.session_id,
    a.outcome AS outcome_a,
    b.outcome AS outcome_b,
    a.score AS score_a,
    b.score AS score_b
FROM judged a
JOIN judged b ON b.proposal_id = a.proposal_id
    AND (a.judge, a.verdict_prompt_hash) < (b.judge, b.verdict_prompt_hash)
    AND a.verdict_prompt_hash <> b.verdict_prompt_hash
ORDER BY ALL;
