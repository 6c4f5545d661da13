-- Which replies have other runs stored since some time?
SELECT reply_id, created_at
FROM replies
WHERE created_at >= $since AND run_id <> $run_id;
