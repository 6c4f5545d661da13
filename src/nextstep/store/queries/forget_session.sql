-- Which session goes when a longer one has taken its place?
DELETE FROM sessions WHERE session_id = $session_id
