-- Which requests for a next step at these moments were answered, and how are they named?
WITH answered AS (
    SELECT moment_id, candidate, sample, prompt_hash, reply_id FROM proposals
    UNION
    SELECT moment_id, candidate, sample, prompt_hash, reply_id FROM failures WHERE stage = 'propose'
)
SELECT a.moment_id, a.candidate, a.sample, a.prompt_hash, r.reply_id, r.request_sha256
FROM answered a
JOIN replies r USING (reply_id)
WHERE a.moment_id IN (SELECT unnest($moment_ids::VARCHAR[]))
ORDER BY a.moment_id, a.candidate, a.prompt_hash, a.sample, r.reply_id;
