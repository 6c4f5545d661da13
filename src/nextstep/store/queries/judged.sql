-- How did one judge find a candidate's samples? For `tally`, which joins them: it takes a third less memory so.
CREATE OR REPLACE TEMP TABLE judged AS
SELECT
    moment_id, sample, outcome, score, average_score, flipped, n_words, prefix_shortened, judge_shortened, rewrite_id,
    CASE model_first WHEN 'model' THEN 1.0 WHEN 'tie' THEN 0.5 ELSE 0.0 END::DOUBLE AS score_first,
    CASE human_first WHEN 'model' THEN 1.0 WHEN 'tie' THEN 0.5 ELSE 0.0 END::DOUBLE AS score_second,
    proposed_at, proposal_id
FROM all_outcomes
WHERE candidate = $candidate AND proposal_prompt_hash = $proposal_prompt_hash
    AND judge = $judge AND verdict_prompt_hash = $verdict_prompt_hash;
