-- Which batches of servers does the store know?
SELECT batch_id
FROM batches
WHERE batch_id IS NOT NULL;
