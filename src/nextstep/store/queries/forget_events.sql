-- Which events go with a session whose place a longer one has taken?
DELETE FROM events WHERE session_id = $session_id
