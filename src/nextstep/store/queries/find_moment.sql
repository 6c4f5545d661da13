-- Which moments have an id that starts so, or stand at this cut of this session?
SELECT m.*, s.name AS session_name, s.n_events
FROM moments m
JOIN sessions s USING (session_id)
WHERE starts_with(m.moment_id, $wanted) OR s.name || ':' || m.cut = $wanted
ORDER BY m.moment_id;
