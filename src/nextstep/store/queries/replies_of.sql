-- Which of these replies are stored, and what do they say?
SELECT reply_id, body
FROM replies
WHERE reply_id IN (SELECT unnest($reply_ids::VARCHAR[]));
