-- Figures beside each win rate, juries, and how far judges agree.

ALTER TABLE win_rates ADD COLUMN jury STRUCT(judge VARCHAR, prompt_hash VARCHAR)[];
ALTER TABLE win_rates ADD COLUMN scribe_hash VARCHAR;
ALTER TABLE win_rates ADD COLUMN variance DOUBLE;
ALTER TABLE win_rates ADD COLUMN own_family BOOLEAN;
ALTER TABLE win_rates ADD COLUMN refusals INTEGER;
ALTER TABLE win_rates ADD COLUMN first_position DOUBLE;
ALTER TABLE win_rates ADD COLUMN first_position_low DOUBLE;
ALTER TABLE win_rates ADD COLUMN first_position_high DOUBLE;
ALTER TABLE win_rates ADD COLUMN length_difference DOUBLE;
ALTER TABLE win_rates ADD COLUMN lc_win_rate DOUBLE;
ALTER TABLE win_rates ADD COLUMN lc_low DOUBLE;
ALTER TABLE win_rates ADD COLUMN lc_high DOUBLE;
ALTER TABLE win_rates ADD COLUMN lc_status VARCHAR;
ALTER TABLE win_rates ADD COLUMN shortened_share DOUBLE;
ALTER TABLE win_rates ADD COLUMN training_cutoff DATE;
ALTER TABLE win_rates ADD COLUMN n_before_cutoff INTEGER;
ALTER TABLE win_rates ADD COLUMN win_rate_after_cutoff DOUBLE;
ALTER TABLE win_rates ADD COLUMN var_within DOUBLE;
ALTER TABLE win_rates ADD COLUMN var_between DOUBLE;
ALTER TABLE win_rates ADD COLUMN enough_samples INTEGER;
ALTER TABLE win_rates ADD COLUMN lower_bound DOUBLE;
ALTER TABLE win_rates ADD COLUMN lower_bound_low DOUBLE;
ALTER TABLE win_rates ADD COLUMN lower_bound_high DOUBLE;
ALTER TABLE win_rates ADD COLUMN control_ok BOOLEAN;
COMMENT ON COLUMN win_rates.judge IS 'The judge''s name, or jury: the mean score of several judges on what all of them judged.';
COMMENT ON COLUMN win_rates.wins IS 'Outcomes, one for each (moment, sample). Of a jury: a mean score above 0.5; below it a loss, else a tie.';
COMMENT ON COLUMN win_rates.flips IS 'The orders contradict each other: the judge saw the position. 0 for a jury, which has no orders of its own.';
COMMENT ON COLUMN win_rates.jury IS 'The judges of a jury, each with the hash of its prompt; NULL for one judge.';
COMMENT ON COLUMN win_rates.scribe_hash IS 'Of the prompt that brought the human''s steps into one form; NULL where they stand in their own words.';
COMMENT ON COLUMN win_rates.variance IS 'Of the win rate, by leaving out one session at a time; NULL with fewer than two sessions.';
COMMENT ON COLUMN win_rates.own_family IS 'Whether the judge, or one of a jury, and the candidate come from one maker, by their names; NULL where that is not known.';
COMMENT ON COLUMN win_rates.refusals IS 'Of the failures: those in which the candidate, the scribe or the judge refused.';
COMMENT ON COLUMN win_rates.first_position IS 'How much the judge favours the step shown first, mean of (s_0 + 1 - s_1) / 2 with s_0, s_1 the candidate''s score when shown first, second: 0.5 is no preference. NULL for a jury.';
COMMENT ON COLUMN win_rates.first_position_low IS '95 % interval, sessions as the independent unit.';
COMMENT ON COLUMN win_rates.length_difference IS 'Words of the candidate''s step minus the human''s, both as judged: mean over moments.';
COMMENT ON COLUMN win_rates.lc_win_rate IS 'The win rate at equal length, by a logistic curve over the difference in words. Length may carry content: it stands beside the win rate, not in its place.';
COMMENT ON COLUMN win_rates.lc_low IS '95 % interval, the curve fitted anew without each one session.';
COMMENT ON COLUMN win_rates.lc_status IS 'As status; not_estimable where hardly any step is longer, or shorter, than the human''s.';
COMMENT ON COLUMN win_rates.shortened_share IS 'Share of judged pairs for which the candidate''s prefix or the judge''s trajectory was shortened.';
COMMENT ON COLUMN win_rates.training_cutoff IS 'The last day that the candidate''s training data may hold; NULL where it is not known.';
COMMENT ON COLUMN win_rates.n_before_cutoff IS 'Judged moments whose session began by the training cutoff, so that it may have been trained on; NULL where no cutoff is known.';
COMMENT ON COLUMN win_rates.win_rate_after_cutoff IS 'The win rate without those moments; NULL where there are none of them, or no others.';
COMMENT ON COLUMN win_rates.var_within IS 'Variance of the scores of one moment''s samples, mean over moments; NULL unless moments have two or more.';
COMMENT ON COLUMN win_rates.var_between IS 'Variance of the moments'' own scores, without the part that is due to var_within; 0 where that part is the larger.';
COMMENT ON COLUMN win_rates.enough_samples IS 'Samples of a moment from which on more would hardly narrow the interval; NULL where that cannot be told.';
COMMENT ON COLUMN win_rates.lower_bound IS 'Detour: at least this share is truly better, (q_d - q_c) / (1 - q_c), if the judge favours the model wrongly no more often on detours than on controls.';
COMMENT ON COLUMN win_rates.lower_bound_low IS '95 % interval, sessions left out of both sets together.';
COMMENT ON COLUMN win_rates.control_ok IS 'Whether the interval of the control win rate overlaps the band in which it should lie; NULL without an interval.';

CREATE TABLE agreement (
    suite_hash VARCHAR NOT NULL,
    judge_a VARCHAR NOT NULL,
    prompt_hash_a VARCHAR NOT NULL,
    judge_b VARCHAR NOT NULL,
    prompt_hash_b VARCHAR NOT NULL,
    "set" VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    n_sessions INTEGER NOT NULL,
    agreed DOUBLE NOT NULL,
    n_decided INTEGER NOT NULL,
    agreed_decided DOUBLE,
    kappa DOUBLE,
    kappa_low DOUBLE,
    kappa_high DOUBLE,
    kappa_status VARCHAR NOT NULL,
    alpha DOUBLE,
    alpha_low DOUBLE,
    alpha_high DOUBLE,
    alpha_status VARCHAR NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (suite_hash, judge_a, prompt_hash_a, judge_b, prompt_hash_b, "set")
);
COMMENT ON TABLE agreement IS 'How far two judges agree, over every proposal of a suite that both have judged.';
COMMENT ON COLUMN agreement.prompt_hash_a IS 'As in verdicts.';
COMMENT ON COLUMN agreement.n IS 'Proposals that both judged.';
COMMENT ON COLUMN agreement.agreed IS 'Share of them with the same outcome: win, loss, tie or flip.';
COMMENT ON COLUMN agreement.n_decided IS 'Those to which both gave a win or a loss.';
COMMENT ON COLUMN agreement.agreed_decided IS 'Share of the decided ones with the same outcome; 0.5 is chance.';
COMMENT ON COLUMN agreement.kappa IS 'Cohen''s kappa over the outcomes: 0 is chance, 1 is always the same.';
COMMENT ON COLUMN agreement.kappa_low IS '95 % interval, sessions as the independent unit.';
COMMENT ON COLUMN agreement.kappa_status IS 'As in win_rates, or no_variation where both judges always gave one and the same outcome.';
COMMENT ON COLUMN agreement.alpha IS 'Krippendorff''s alpha over the scores 0, 0.5 and 1, as ranks.';
COMMENT ON COLUMN agreement.alpha_low IS '95 % interval, sessions as the independent unit.';
COMMENT ON COLUMN agreement.alpha_status IS 'As kappa_status.';
