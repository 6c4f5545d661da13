-- What stands in a part of a session?
SELECT idx, role, kind, tool, text FROM events
WHERE session_id = $session_id AND idx BETWEEN $first AND $last
ORDER BY idx;
