-- Which session of the suite has this name?
SELECT session_id FROM sessions WHERE name = $session
