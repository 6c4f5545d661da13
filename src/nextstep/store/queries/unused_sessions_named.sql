-- Which sessions of this name has nothing been made with?
SELECT session_id FROM sessions WHERE name = $session AND session_id NOT IN (SELECT session_id FROM moments)
