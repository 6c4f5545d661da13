-- Which sessions go when longer ones have taken their place?
DELETE FROM sessions WHERE session_id IN (SELECT unnest($session_ids))
