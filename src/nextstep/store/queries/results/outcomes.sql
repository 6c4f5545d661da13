-- How did each pair of a suite come out under each judge?
SELECT o.*, s.name AS session, m.cut, m.tags
FROM outcomes o
JOIN moments m USING (moment_id)
JOIN sessions s ON s.session_id = o.session_id
WHERE o.moment_id IN (SELECT moment_id FROM suites WHERE suite_hash = $suite_hash)
ORDER BY o.moment_id, o.candidate, o.sample, o.judge, o.proposal_id, o.verdict_prompt_hash;
