-- What did a judge guess of the authors of steps at these moments?
SELECT m.session_id, p.moment_id, g.guess
FROM guesses g
JOIN proposals p USING (proposal_id)
JOIN moments m USING (moment_id)
WHERE g.judge = $judge AND g.prompt_hash = $prompt_hash AND p.moment_id IN (SELECT unnest($moment_ids::VARCHAR[]))
ORDER BY p.moment_id
