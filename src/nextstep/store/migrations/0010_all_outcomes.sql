-- Outcomes in two steps: telling which one of a sample counts takes twice the memory of finding them, and samples hardly
-- ever come twice.

CREATE VIEW all_outcomes AS
SELECT
    p.moment_id,
    m.session_id,
    m."set",
    p.candidate,
    p.sample,
    f.judge,
    CASE
        WHEN f.choice = s.choice THEN CASE f.choice WHEN 'model' THEN 'win' WHEN 'human' THEN 'loss' ELSE 'tie' END
        WHEN 'tie' IN (f.choice, s.choice) THEN 'tie'
        ELSE 'flip'
    END AS outcome,
    CASE WHEN f.choice <> s.choice OR f.choice = 'tie' THEN 0.5 WHEN f.choice = 'model' THEN 1.0 ELSE 0.0 END::DOUBLE AS score,
    (CASE f.choice WHEN 'model' THEN 1.0 WHEN 'tie' THEN 0.5 ELSE 0.0 END
        + CASE s.choice WHEN 'model' THEN 1.0 WHEN 'tie' THEN 0.5 ELSE 0.0 END)::DOUBLE / 2 AS average_score,
    f.choice <> s.choice AS flipped,
    p.proposal_id,
    p.prompt_hash AS proposal_prompt_hash,
    f.prompt_hash AS verdict_prompt_hash,
    f.choice AS model_first,
    s.choice AS human_first,
    p.n_words,
    p.shortened AS prefix_shortened,
    f.shortened OR s.shortened AS judge_shortened,
    f.rewrite_id,
    p.created_at AS proposed_at
FROM proposals p
JOIN moments m USING (moment_id)
JOIN verdicts f ON f.proposal_id = p.proposal_id AND f."order" = 'model_first'
JOIN verdicts s
    ON s.proposal_id = p.proposal_id AND s."order" = 'human_first' AND s.judge = f.judge AND s.prompt_hash = f.prompt_hash;
COMMENT ON VIEW all_outcomes IS 'Both orders of a judged pair folded, from the candidate''s side, of every proposal. `outcomes` has each sample once.';
COMMENT ON COLUMN all_outcomes.proposed_at IS 'When the proposal was stored: of a sample that came twice, the first that was judged counts.';

CREATE OR REPLACE VIEW outcomes AS
SELECT * EXCLUDE (proposed_at)
FROM all_outcomes
QUALIFY row_number() OVER (
    PARTITION BY moment_id, candidate, proposal_prompt_hash, sample, judge, verdict_prompt_hash
    ORDER BY proposed_at, proposal_id) = 1;
COMMENT ON VIEW outcomes IS 'Both orders of a judged pair folded, from the candidate''s side. Of a sample that came twice, as after a merge, the first that was judged.';
COMMENT ON COLUMN outcomes.outcome IS 'win, loss, tie, or flip when one order says model and the other human.';
COMMENT ON COLUMN outcomes.score IS 'Consensus: 1, 0.5 or 0 where both orders agree, else 0.5. The primary score.';
COMMENT ON COLUMN outcomes.average_score IS 'The mean score of both orders.';
COMMENT ON COLUMN outcomes.flipped IS 'The two orders differ in any way, ties included.';
COMMENT ON COLUMN outcomes.model_first IS 'The judge''s choice where the model''s step was shown first.';
COMMENT ON COLUMN outcomes.human_first IS 'The judge''s choice where the human''s step was shown first.';
COMMENT ON COLUMN outcomes.n_words IS 'Words of the model''s step.';
COMMENT ON COLUMN outcomes.prefix_shortened IS 'Whether the prefix that the candidate saw was shortened.';
COMMENT ON COLUMN outcomes.judge_shortened IS 'Whether the trajectory that the judge saw was shortened, in either order.';
COMMENT ON COLUMN outcomes.rewrite_id IS 'The human''s step as the judge read it; NULL where it was in the human''s own words.';
