-- What is the first sample number that a candidate has not been asked for with one prompt?
SELECT coalesce(max(sample) + 1, 0) AS next_sample
FROM asked
WHERE candidate = $candidate AND prompt_hash = $prompt_hash;
