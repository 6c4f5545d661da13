-- Which proposals has a candidate made with one prompt, for the moments of a suite?
-- Of a sample that came twice, as after a merge, one: that which was judged, and of several the first.
SELECT p.proposal_id, p.moment_id, p.candidate, p.sample, p.text
FROM proposals p
LEFT JOIN (SELECT DISTINCT proposal_id, true AS judged FROM verdicts) v USING (proposal_id)
WHERE p.candidate = $candidate AND p.prompt_hash = $prompt_hash
    AND p.moment_id IN (SELECT unnest($moment_ids::VARCHAR[]))
QUALIFY row_number() OVER (
    PARTITION BY p.moment_id, p.sample ORDER BY v.judged NULLS LAST, p.created_at, p.proposal_id) = 1
ORDER BY p.moment_id, p.sample, p.created_at;
