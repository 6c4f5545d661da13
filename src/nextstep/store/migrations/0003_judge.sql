-- The scribe, the probes, and the health of judges.

-- The tables of replies and failures are made anew without their lists of purposes and stages, which the program checks.
DROP VIEW costs;
DROP VIEW open_failures;

CREATE TABLE replies_anew (
    reply_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    sample INTEGER NOT NULL,
    request_sha256 VARCHAR NOT NULL,
    body VARCHAR NOT NULL,
    stop_reason VARCHAR NOT NULL,
    input_tokens BIGINT,
    output_tokens BIGINT,
    cache_read_tokens BIGINT,
    cache_write_tokens BIGINT,
    cost_usd DOUBLE,
    latency_s DOUBLE NOT NULL,
    attempts INTEGER NOT NULL,
    request_id VARCHAR,
    created_at TIMESTAMP NOT NULL
);
INSERT INTO replies_anew SELECT * FROM replies;
DROP TABLE replies;
ALTER TABLE replies_anew RENAME TO replies;
COMMENT ON TABLE replies IS 'A paid answer, raw, stored before anything is read from it.';
COMMENT ON COLUMN replies.reply_id IS 'Named by the purpose, the model, the whole request and the sample.';
COMMENT ON COLUMN replies.purpose IS 'propose, scribe, judge or guess.';
COMMENT ON COLUMN replies.sample IS 'Numbers repeats of the same request, from 0.';
COMMENT ON COLUMN replies.request_sha256 IS 'SHA-256 of the request as canonical JSON.';
COMMENT ON COLUMN replies.body IS 'The JSON that came back.';
COMMENT ON COLUMN replies.input_tokens IS 'Tokens read neither from nor into a cache; NULL where the server did not say.';
COMMENT ON COLUMN replies.cost_usd IS 'US dollars; NULL where the price or the usage is not known, 0 only for offline models.';
COMMENT ON COLUMN replies.latency_s IS 'Seconds of the attempt that was answered.';
COMMENT ON COLUMN replies.attempts IS 'Tries until the answer came.';
COMMENT ON COLUMN replies.request_id IS 'The server''s own name for the request.';

CREATE TABLE failures_anew (
    failure_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    stage VARCHAR NOT NULL,
    moment_id VARCHAR NOT NULL,
    candidate VARCHAR NOT NULL,
    sample INTEGER NOT NULL,
    proposal_id VARCHAR,
    judge VARCHAR,
    "order" VARCHAR,
    model VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    message VARCHAR NOT NULL,
    attempts INTEGER NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    reply_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
INSERT INTO failures_anew SELECT * FROM failures;
DROP TABLE failures;
ALTER TABLE failures_anew RENAME TO failures;
COMMENT ON TABLE failures IS 'Work that was tried and gave nothing. It stays as history when a later run succeeds.';
COMMENT ON COLUMN failures.stage IS 'propose, scribe, judge, probe or guess.';
COMMENT ON COLUMN failures.candidate IS 'Empty where no candidate took part: scribe and probe.';
COMMENT ON COLUMN failures.kind IS 'Why: refusal, max_tokens, window, empty, unreadable, or the name of a transport error.';
COMMENT ON COLUMN failures.proposal_id IS 'What was to be judged: a proposal, or for the probe stage a probe.';
COMMENT ON COLUMN failures.model IS 'The model that failed: the candidate''s, the scribe''s or the judge''s.';
COMMENT ON COLUMN failures.attempts IS 'Tries in the last run that tried.';
COMMENT ON COLUMN failures.reply_id IS 'The name of the answer that was sought; it is in replies when one came.';

CREATE TABLE rewrites (
    rewrite_id VARCHAR PRIMARY KEY,
    moment_id VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    scribe VARCHAR NOT NULL,
    text VARCHAR NOT NULL,
    n_words INTEGER NOT NULL,
    in_band BOOLEAN NOT NULL,
    shortened BOOLEAN NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    source_hash VARCHAR NOT NULL,
    reply_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE rewrites IS 'What a scribe made of a moment''s human step or of its resolution; the human''s own words stay in moments.';
COMMENT ON COLUMN rewrites.kind IS 'form (the human''s step in the one form), or for probes: reworded, worsened, oracle (what resolved the matter, as a step).';
COMMENT ON COLUMN rewrites.scribe IS 'The model that wrote it.';
COMMENT ON COLUMN rewrites.in_band IS 'Whether it has the form and length that were asked for.';
COMMENT ON COLUMN rewrites.shortened IS 'Whether the prefix that the scribe saw was shortened.';
COMMENT ON COLUMN rewrites.prompt_hash IS 'Of the scribe''s prompt and the form.';
COMMENT ON COLUMN rewrites.source_hash IS 'Of the text that was rewritten.';

ALTER TABLE verdicts ADD COLUMN rewrite_id VARCHAR;
ALTER TABLE verdicts ADD COLUMN way_hash VARCHAR;
COMMENT ON COLUMN verdicts.way_hash IS 'Of the prompt and the way of judging alone: equal for judges that were asked alike.';
COMMENT ON COLUMN verdicts.rewrite_id IS 'The human''s step as the judge read it; NULL where it was in the human''s own words.';

CREATE TABLE probes (
    probe_id VARCHAR PRIMARY KEY,
    probe VARCHAR NOT NULL,
    moment_id VARCHAR NOT NULL,
    step VARCHAR NOT NULL,
    against VARCHAR NOT NULL,
    hindsight VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE probes IS 'A made step whose right verdict is known: it measures a judge, never a model.';
COMMENT ON COLUMN probes.probe IS 'Which one: see docs/design/judging.md.';
COMMENT ON COLUMN probes.step IS 'The made step.';
COMMENT ON COLUMN probes.against IS 'The step it is compared with: the human''s, as judges read it.';
COMMENT ON COLUMN probes.hindsight IS 'The moment whose later events the judge sees: its own, or one of another session.';

CREATE TABLE probe_verdicts (
    verdict_id VARCHAR PRIMARY KEY,
    probe_id VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    "order" VARCHAR NOT NULL CHECK ("order" IN ('model_first', 'human_first')),
    sample INTEGER NOT NULL,
    choice VARCHAR NOT NULL CHECK (choice IN ('model', 'human', 'tie')),
    strength INTEGER NOT NULL CHECK (strength BETWEEN 0 AND 2),
    reason VARCHAR NOT NULL,
    shortened BOOLEAN NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    reply_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE probe_verdicts IS 'A judge''s answer on a probe in one order.';
COMMENT ON COLUMN probe_verdicts."order" IS 'Which step stood first: model_first means the made one.';
COMMENT ON COLUMN probe_verdicts.sample IS 'Numbers repeats of the same question, from 0.';
COMMENT ON COLUMN probe_verdicts.choice IS 'model means the made step.';
COMMENT ON COLUMN probe_verdicts.prompt_hash IS 'As in verdicts.';

CREATE TABLE guesses (
    guess_id VARCHAR PRIMARY KEY,
    proposal_id VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    "order" VARCHAR NOT NULL CHECK ("order" IN ('model_first', 'human_first')),
    guess VARCHAR NOT NULL CHECK (guess IN ('model', 'human', 'unsure')),
    reason VARCHAR NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    reply_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE guesses IS 'Which of the two steps a judge took for the model''s: whether the comparison is blind.';
COMMENT ON COLUMN guesses.prompt_hash IS 'Of the guess''s prompt and of how the judge was asked for its verdicts.';
COMMENT ON COLUMN guesses.guess IS 'model: it found the model''s step; human: it took the human''s for it; unsure.';

CREATE TABLE judge_health (
    suite_hash VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    probe VARCHAR NOT NULL,
    n INTEGER NOT NULL,
    due INTEGER NOT NULL,
    n_sessions INTEGER NOT NULL,
    value DOUBLE,
    ci_low DOUBLE,
    ci_high DOUBLE,
    expected VARCHAR NOT NULL,
    ok BOOLEAN,
    status VARCHAR NOT NULL,
    trust VARCHAR NOT NULL,
    offline BOOLEAN NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (suite_hash, judge, prompt_hash, probe)
);
COMMENT ON TABLE judge_health IS 'One figure of a judge''s card: a probe''s, or one worked out from its verdicts.';
COMMENT ON COLUMN judge_health.prompt_hash IS 'As in verdicts: of the judge''s prompt, its parameters and the way of judging.';
COMMENT ON COLUMN judge_health.n IS 'Moments, or pairs for first_position, order_flip, retest and authorship.';
COMMENT ON COLUMN judge_health.due IS 'Of these, what was asked: the rest gave no answer that could be read.';
COMMENT ON COLUMN judge_health.ci_low IS '95 % interval, sessions as the independent unit.';
COMMENT ON COLUMN judge_health.expected IS 'The tolerance.';
COMMENT ON COLUMN judge_health.ok IS 'False (an alarm) when the whole interval is outside the tolerance; NULL where it could not be measured.';
COMMENT ON COLUMN judge_health.status IS 'Of the interval, as in win_rates; or why there is none.';
COMMENT ON COLUMN judge_health.trust IS 'What the whole card says: trusted, use with care or not trusted.';
COMMENT ON COLUMN judge_health.offline IS 'The judge runs offline: the figure tests the pipeline and says nothing about any model.';

CREATE VIEW open_failures AS
SELECT f.*
FROM failures f
WHERE NOT EXISTS (
        FROM proposals p
        WHERE f.stage = 'propose' AND p.moment_id = f.moment_id AND p.candidate = f.candidate AND p.sample = f.sample
            AND p.prompt_hash = f.prompt_hash)
    AND NOT EXISTS (
        FROM rewrites r
        WHERE f.stage = 'scribe' AND r.moment_id = f.moment_id AND r.prompt_hash = f.prompt_hash)
    AND NOT EXISTS (
        FROM verdicts v
        WHERE f.stage = 'judge' AND v.proposal_id = f.proposal_id AND v.judge = f.judge AND v."order" = f."order"
            AND v.prompt_hash = f.prompt_hash)
    AND NOT EXISTS (
        FROM probe_verdicts v
        WHERE f.stage = 'probe' AND v.probe_id = f.proposal_id AND v.judge = f.judge AND v."order" = f."order"
            AND v.sample = f.sample AND v.prompt_hash = f.prompt_hash)
    AND NOT EXISTS (
        FROM guesses g
        WHERE f.stage = 'guess' AND g.proposal_id = f.proposal_id AND g.judge = f.judge AND g.prompt_hash = f.prompt_hash);
COMMENT ON VIEW open_failures IS 'Failures that no later run has cured.';

CREATE VIEW costs AS
SELECT
    run_id,
    model,
    purpose,
    count(*) AS calls,
    sum(coalesce(input_tokens, 0) + coalesce(cache_read_tokens, 0) + coalesce(cache_write_tokens, 0)
        + coalesce(output_tokens, 0))::BIGINT AS tokens,
    sum(cost_usd) AS cost_usd,
    count(*) - count(cost_usd) AS unpriced
FROM replies
GROUP BY run_id, model, purpose;
COMMENT ON VIEW costs IS 'What a run spent on a model for a purpose.';
COMMENT ON COLUMN costs.tokens IS 'Input, cached or not, and output.';
COMMENT ON COLUMN costs.unpriced IS 'Calls whose cost is not known and not in cost_usd.';
