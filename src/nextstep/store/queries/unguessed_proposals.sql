-- Which proposal of each moment, among those that a judge has judged, is it to guess the author of, and has it?
SELECT p.moment_id, p.proposal_id, p.candidate, p.sample, p.text, g.guess_id IS NOT NULL AS guessed
FROM proposals p
JOIN (SELECT DISTINCT proposal_id FROM verdicts WHERE judge = $judge AND prompt_hash = $prompt_hash) v USING (proposal_id)
LEFT JOIN guesses g ON g.proposal_id = p.proposal_id AND g.judge = $judge AND g.prompt_hash = $guess_hash
WHERE p.moment_id IN (SELECT unnest($moment_ids::VARCHAR[]))
QUALIFY row_number() OVER (PARTITION BY p.moment_id ORDER BY g.guess_id IS NULL, md5(p.proposal_id)) = 1
