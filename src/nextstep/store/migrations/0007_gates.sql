-- Paired differences between candidates, gates, and what makes two win rates comparable.

ALTER TABLE win_rates ADD COLUMN asked_hash VARCHAR;
ALTER TABLE win_rates ADD COLUMN way_hash VARCHAR;
COMMENT ON COLUMN win_rates.asked_hash IS 'Of the candidates'' prompt and the form of steps alone: equal for candidates that were asked alike.';
COMMENT ON COLUMN win_rates.way_hash IS 'Of the judges'' prompt and the way of judging alone, as in verdicts.';

CREATE TABLE comparisons (
    suite_hash VARCHAR NOT NULL,
    candidate VARCHAR NOT NULL,
    baseline VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    "set" VARCHAR NOT NULL,
    n_moments INTEGER NOT NULL,
    n_sessions INTEGER NOT NULL,
    n_dropped INTEGER NOT NULL,
    dropped JSON NOT NULL,
    candidate_rate DOUBLE,
    baseline_rate DOUBLE,
    difference DOUBLE,
    ci_low DOUBLE,
    ci_high DOUBLE,
    p_value DOUBLE,
    p_holm DOUBLE,
    n_tests INTEGER NOT NULL,
    better DOUBLE,
    same DOUBLE,
    worse DOUBLE,
    correlation DOUBLE,
    se DOUBLE,
    mde DOUBLE,
    status VARCHAR NOT NULL,
    offline BOOLEAN NOT NULL,
    candidate_prompt_hash VARCHAR NOT NULL,
    baseline_prompt_hash VARCHAR NOT NULL,
    verdict_prompt_hash VARCHAR NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (suite_hash, candidate, candidate_prompt_hash, baseline, baseline_prompt_hash, judge, verdict_prompt_hash, "set")
);
COMMENT ON TABLE comparisons IS 'A paired difference: candidate minus baseline, on the moments that both were scored at.';
COMMENT ON COLUMN comparisons.n_dropped IS 'Moments that only one of the two was scored at, or neither though asked.';
COMMENT ON COLUMN comparisons.dropped IS 'Why, for each of the two: not asked, failed, or not judged yet.';
COMMENT ON COLUMN comparisons.candidate_rate IS 'The win rate on the shared moments.';
COMMENT ON COLUMN comparisons.ci_low IS '95 % interval, sessions as the independent unit.';
COMMENT ON COLUMN comparisons.p_value IS 'Of no difference, by flipping the signs of whole sessions.';
COMMENT ON COLUMN comparisons.p_holm IS 'The same, adjusted for n_tests differences that were tested together (Holm).';
COMMENT ON COLUMN comparisons.n_tests IS 'Pairs of candidates that were compared together, for this judge and set.';
COMMENT ON COLUMN comparisons.better IS 'Share of moments with a higher score of the candidate.';
COMMENT ON COLUMN comparisons.correlation IS 'Of the two candidates'' scores; NULL where one does not vary.';
COMMENT ON COLUMN comparisons.se IS 'Standard error of the difference, by leaving out one session at a time.';
COMMENT ON COLUMN comparisons.mde IS 'Minimum detectable effect: the true difference that would be found at 5 % with 80 % probability.';
COMMENT ON COLUMN comparisons.status IS 'Of the interval, as in win_rates.';
COMMENT ON COLUMN comparisons.offline IS 'An offline model took part: the figure tests the pipeline and says nothing about any model.';
COMMENT ON COLUMN comparisons.candidate_prompt_hash IS 'Of the candidate''s prompt and parameters, as in proposals.';
COMMENT ON COLUMN comparisons.verdict_prompt_hash IS 'As in win_rates.';

CREATE TABLE gates (
    gate_id VARCHAR NOT NULL,
    suite_hash VARCHAR NOT NULL,
    candidate VARCHAR NOT NULL,
    baseline VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    "set" VARCHAR NOT NULL,
    margin DOUBLE NOT NULL,
    alpha DOUBLE NOT NULL,
    look INTEGER NOT NULL,
    same_data INTEGER,
    declared_at TIMESTAMP NOT NULL,
    verdict VARCHAR,
    reason VARCHAR,
    detail VARCHAR,
    remedy VARCHAR,
    remark VARCHAR,
    n_moments INTEGER,
    n_sessions INTEGER,
    effective_sessions DOUBLE,
    n_dropped INTEGER,
    samples DOUBLE,
    candidate_rate DOUBLE,
    baseline_rate DOUBLE,
    difference DOUBLE,
    ci_low DOUBLE,
    ci_high DOUBLE,
    p_value DOUBLE,
    p_below DOUBLE,
    mde DOUBLE,
    power DOUBLE,
    moments_if_equal INTEGER,
    moments_if_as_seen INTEGER,
    samples_if_equal INTEGER,
    trust VARCHAR,
    control DOUBLE,
    data_hash VARCHAR,
    offline BOOLEAN NOT NULL,
    baseline_file VARCHAR,
    candidate_prompt_hash VARCHAR NOT NULL,
    baseline_prompt_hash VARCHAR NOT NULL,
    verdict_prompt_hash VARCHAR NOT NULL,
    decided_at TIMESTAMP,
    PRIMARY KEY (gate_id, "set")
);
COMMENT ON TABLE gates IS 'What a gate said of one set. The row is written before the scores are read, its verdict after.';
COMMENT ON COLUMN gates.gate_id IS 'One invocation of check; a row for each set.';
COMMENT ON COLUMN gates.margin IS 'How much lower the candidate''s win rate may be than the baseline''s.';
COMMENT ON COLUMN gates.alpha IS 'One-sided.';
COMMENT ON COLUMN gates.look IS 'Which gate this is on the same two candidates, judge, suite and set.';
COMMENT ON COLUMN gates.same_data IS 'Of the earlier looks, those at the very same scores.';
COMMENT ON COLUMN gates.verdict IS 'pass, regression or no verdict; NULL where the gate was declared and never decided.';
COMMENT ON COLUMN gates.reason IS 'Why there is no verdict: not comparable, judge not trusted, control out of band, too many failures or inconclusive.';
COMMENT ON COLUMN gates.detail IS 'The reasons in words.';
COMMENT ON COLUMN gates.remedy IS 'What would mend them.';
COMMENT ON COLUMN gates.remark IS 'What a pass alone would hide: better, or worse by less than the margin.';
COMMENT ON COLUMN gates.effective_sessions IS 'G*: as many equal sessions would weigh as much.';
COMMENT ON COLUMN gates.samples IS 'Samples a moment, of the candidate that has fewer.';
COMMENT ON COLUMN gates.ci_low IS 'Lower bound of the difference at one-sided alpha: a pass is above -margin.';
COMMENT ON COLUMN gates.ci_high IS 'Upper bound of the difference at one-sided alpha: a regression is below -margin.';
COMMENT ON COLUMN gates.p_value IS 'Of no difference, by flipping the signs of whole sessions.';
COMMENT ON COLUMN gates.p_below IS 'Of a candidate that is not worse by more than the margin; a regression is at most alpha, Holm over the sets.';
COMMENT ON COLUMN gates.mde IS 'Minimum detectable effect, as in comparisons.';
COMMENT ON COLUMN gates.power IS 'How likely equally good models pass.';
COMMENT ON COLUMN gates.moments_if_equal IS 'Further moments with which equally good models would pass with 80 % probability.';
COMMENT ON COLUMN gates.moments_if_as_seen IS 'Further moments that would decide with 80 % probability if the difference is the one seen.';
COMMENT ON COLUMN gates.samples_if_equal IS 'Samples a moment with which equally good models would pass with 80 % probability.';
COMMENT ON COLUMN gates.trust IS 'What the judge''s card says; of a jury, the least of them.';
COMMENT ON COLUMN gates.control IS 'The higher of the two win rates on controls, or that of the judge''s card.';
COMMENT ON COLUMN gates.data_hash IS 'Of the scores that the gate read.';
COMMENT ON COLUMN gates.baseline_file IS 'Where the baseline came from; NULL for this store.';
