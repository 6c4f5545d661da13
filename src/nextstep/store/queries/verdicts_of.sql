-- Which of these proposals has a judge judged with one prompt, and in which order?
SELECT proposal_id, "order"
FROM verdicts
WHERE judge = $judge AND prompt_hash = $prompt_hash AND proposal_id IN (SELECT unnest($proposal_ids::VARCHAR[]));
