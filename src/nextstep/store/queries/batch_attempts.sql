-- How often were these calls in batches, and what came of the last time?
SELECT i.reply_id, arg_max(i.attempt, b.created_at) AS attempt, arg_max(i.outcome, b.created_at) AS outcome
FROM batch_items i
JOIN batches b USING (batch_key)
WHERE i.outcome IS NOT NULL AND i.reply_id IN (SELECT unnest($reply_ids::VARCHAR[]))
GROUP BY i.reply_id;
