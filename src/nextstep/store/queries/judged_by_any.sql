-- Which of these proposals has any judge judged?
SELECT DISTINCT proposal_id
FROM verdicts
WHERE proposal_id IN (SELECT unnest($proposal_ids::VARCHAR[]));
