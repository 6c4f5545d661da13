-- In which ways was a judge asked to guess at a suite's moments?
SELECT DISTINCT g.prompt_hash
FROM guesses g
JOIN proposals p USING (proposal_id)
SEMI JOIN (FROM suites WHERE suite_hash = $suite_hash) s ON s.moment_id = p.moment_id
WHERE g.judge = $judge;
