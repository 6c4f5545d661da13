-- How many candidates have been decided on with the moments of this suite?
SELECT count(DISTINCT (candidate, candidate_prompt_hash)) AS candidates
FROM gates
WHERE suite_hash = $suite_hash AND difference IS NOT NULL;
