-- Where in which session do these moments stand?
SELECT m.moment_id, s.name AS session, m.cut
FROM moments m
JOIN sessions s USING (session_id)
WHERE m.moment_id IN (SELECT unnest($moment_ids::VARCHAR[]));
