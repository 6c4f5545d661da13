-- Which proposals has a candidate made with one prompt, for the moments of a suite?
SELECT proposal_id, moment_id, candidate, sample, text
FROM proposals
WHERE candidate = $candidate AND prompt_hash = $prompt_hash AND moment_id IN (SELECT unnest($moment_ids::VARCHAR[]))
ORDER BY moment_id, sample, created_at;
