-- Which sessions of this name and origin has another one taken the place of, with nothing made from them?
SELECT session_id
FROM sessions
WHERE name = $session AND origin = $origin AND session_id <> $but AND session_id NOT IN (SELECT session_id FROM moments)
