-- In which words, and whose, did judges read the human's step at a moment?
SELECT r.rewrite_id, r.scribe, r.text
FROM rewrites r
WHERE r.rewrite_id IN (
    SELECT v.rewrite_id
    FROM verdicts v
    JOIN proposals p USING (proposal_id)
    WHERE p.moment_id = $moment_id)
ORDER BY r.created_at, r.rewrite_id;
