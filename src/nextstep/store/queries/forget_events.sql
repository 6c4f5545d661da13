-- Which events go with sessions whose place longer ones have taken?
DELETE FROM events WHERE session_id IN (SELECT unnest($session_ids))
