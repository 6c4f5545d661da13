-- Which proposals have some candidates made, each with one prompt, for the moments of a suite?
-- Of a sample that came twice, as after a merge, one: that which was judged, and of several the first.
WITH asked AS (
    SELECT unnest($candidates::VARCHAR[]) AS candidate, unnest($prompt_hashes::VARCHAR[]) AS prompt_hash
),
found AS (
    SELECT p.*, count(*) OVER (PARTITION BY candidate, prompt_hash, moment_id, sample) AS times
    FROM proposals p
    JOIN asked USING (candidate, prompt_hash)
    WHERE moment_id IN (SELECT unnest($moment_ids::VARCHAR[]))
),
judged AS (
    SELECT DISTINCT proposal_id, true AS judged
    FROM verdicts
    WHERE proposal_id IN (SELECT proposal_id FROM found WHERE times > 1)
)
SELECT proposal_id, moment_id, candidate, sample, text
FROM found
LEFT JOIN judged USING (proposal_id)
QUALIFY row_number() OVER (
    PARTITION BY candidate, prompt_hash, moment_id, sample ORDER BY judged NULLS LAST, created_at, proposal_id) = 1
ORDER BY moment_id, candidate, prompt_hash, sample;
