-- Which transcripts did these readers import, and into which sessions?
SELECT i.sha256, s.session_id, s.name, s.origin, s.n_events, coalesce(c.turns, 0) AS turns
FROM (SELECT DISTINCT sha256, unnest(session_ids) AS session_id FROM imports
      WHERE reader = $reader AND redacted = $redacted AND complete AND status IN ('new', 'known', 'grown', 'part')) i
LEFT JOIN sessions s USING (session_id)
LEFT JOIN (SELECT session_id, count(*) AS turns FROM events WHERE role = 'human' AND kind IN (SELECT unnest($kinds))
           GROUP BY session_id) c USING (session_id)
ORDER BY i.sha256, s.name
