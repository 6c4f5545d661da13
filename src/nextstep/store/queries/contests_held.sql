-- Which contests have win rates, and which juries: each with its suite, the candidate's name, and who judged how?
-- Juries stand first: their judges' own win rates are those of the contests after them.
SELECT DISTINCT suite_hash, candidate, judge, jury, proposal_prompt_hash, verdict_prompt_hash, scribe_hash,
    asked_hash, way_hash
FROM win_rates
ORDER BY jury IS NULL, suite_hash, candidate, judge, proposal_prompt_hash, verdict_prompt_hash;
