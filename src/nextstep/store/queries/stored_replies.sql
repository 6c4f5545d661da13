-- Which of these replies are stored?
SELECT reply_id
FROM replies
WHERE reply_id IN (SELECT unnest($reply_ids::VARCHAR[]));
