-- Which calls are in these batches?
SELECT batch_key, reply_id, purpose, sample, request_sha256, attempt
FROM batch_items
WHERE batch_key IN (SELECT unnest($batch_keys::VARCHAR[]))
ORDER BY batch_key, reply_id;
