-- How were these candidates judged, on whatever suite, the last first?
SELECT DISTINCT ON (suite_hash, candidate, proposal_prompt_hash, judge, verdict_prompt_hash)
    suite_hash, candidate, proposal_prompt_hash, judge, verdict_prompt_hash, jury, asked_hash, way_hash, scribe_hash,
    offline, updated_at
FROM win_rates
WHERE candidate IN (SELECT unnest($candidates::VARCHAR[])) AND due > pending
ORDER BY updated_at DESC, suite_hash, candidate, proposal_prompt_hash, judge, verdict_prompt_hash;
