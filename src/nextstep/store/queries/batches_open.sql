-- Which batches of these models may still bring answers, the oldest first?
SELECT batch_key, batch_id, model, address, n_requests, estimate_usd, status, created_at
FROM batches
WHERE status IN ('submitting', 'open') AND model IN (SELECT unnest($models::VARCHAR[]))
ORDER BY created_at, batch_key;
