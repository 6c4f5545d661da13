-- Which proposals have some candidates made, each with one prompt, for the moments of a suite?
-- In order, so that of a sample that came twice, as after a merge, the first made comes first.
WITH asked AS (
    SELECT unnest($candidates::VARCHAR[]) AS candidate, unnest($prompt_hashes::VARCHAR[]) AS prompt_hash
)
SELECT proposal_id, moment_id, candidate, prompt_hash, sample, text
FROM proposals
SEMI JOIN asked USING (candidate, prompt_hash)
WHERE list_contains($moment_ids::VARCHAR[], moment_id)  -- a list takes a fifth of the memory of a join
ORDER BY moment_id, candidate, prompt_hash, sample, created_at, proposal_id;
