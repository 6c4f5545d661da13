-- What have scribes made of these moments, the oldest first?
SELECT moment_id, text, rewrite_id, source_hash
FROM rewrites
WHERE kind = $kind AND prompt_hash = $prompt_hash AND moment_id IN (SELECT unnest($moment_ids::VARCHAR[]))
ORDER BY created_at, rewrite_id
