-- Sessions, moments, replies, proposals, verdicts, failures and win rates.

CREATE TABLE sessions (
    session_id VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    source VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    title VARCHAR NOT NULL,
    started_at TIMESTAMP,
    n_events INTEGER NOT NULL
);
COMMENT ON TABLE sessions IS 'An imported session.';
COMMENT ON COLUMN sessions.session_id IS 'Named by the content of its events.';
COMMENT ON COLUMN sessions.name IS 'The name of its file in the suite.';
COMMENT ON COLUMN sessions.source IS 'The format of the transcript it was read from.';
COMMENT ON COLUMN sessions.sha256 IS 'Of the transcript''s bytes.';
COMMENT ON COLUMN sessions.title IS 'For people only; no model sees it.';
COMMENT ON COLUMN sessions.started_at IS 'The first time that the transcript tells, UTC as all times here.';
COMMENT ON COLUMN sessions.n_events IS 'Events on its live line.';

CREATE TABLE events (
    session_id VARCHAR NOT NULL,
    idx INTEGER NOT NULL,
    role VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    tool VARCHAR,
    text VARCHAR NOT NULL,
    "at" TIMESTAMP,
    PRIMARY KEY (session_id, idx)
);
COMMENT ON TABLE events IS 'An event of a session''s live line.';
COMMENT ON COLUMN events.idx IS 'Its position in the session, from 0.';
COMMENT ON COLUMN events.role IS 'human, assistant, tool or system.';
COMMENT ON COLUMN events.kind IS 'What it is: text, thinking, tool_use, tool_result, rejection, answer, approval, queued, command or note.';
COMMENT ON COLUMN events.tool IS 'The tool''s name, for tool_use and tool_result.';
COMMENT ON COLUMN events.text IS 'Its words; for tool_use, the tool''s input.';
COMMENT ON COLUMN events."at" IS 'When the transcript says it happened.';

CREATE TABLE moments (
    moment_id VARCHAR PRIMARY KEY,
    session_id VARCHAR NOT NULL,
    cut INTEGER NOT NULL,
    "set" VARCHAR NOT NULL CHECK ("set" IN ('detour', 'control')),
    human_step VARCHAR NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('proposed', 'accepted', 'rejected')),
    tags VARCHAR[] NOT NULL,
    why VARCHAR NOT NULL,
    recovered_at INTEGER NOT NULL,
    resolution VARCHAR NOT NULL
);
COMMENT ON TABLE moments IS 'A human event at which the human chose what to do next.';
COMMENT ON COLUMN moments.moment_id IS 'Named by the session and the cut.';
COMMENT ON COLUMN moments.cut IS 'The idx of the human event; the events before it are the prefix.';
COMMENT ON COLUMN moments."set" IS 'detour (the step cost something) or control (the step was right).';
COMMENT ON COLUMN moments.human_step IS 'What the human chose, in their words.';
COMMENT ON COLUMN moments.status IS 'proposed, accepted or rejected.';
COMMENT ON COLUMN moments.tags IS 'Free words to group results by.';
COMMENT ON COLUMN moments.why IS 'Why the step was a detour, or right.';
COMMENT ON COLUMN moments.recovered_at IS 'Detour: the event at which the session was back on course; control: the event that showed the step was right.';
COMMENT ON COLUMN moments.resolution IS 'What in the end resolved the matter.';

CREATE TABLE suites (
    suite_hash VARCHAR NOT NULL,
    moment_id VARCHAR NOT NULL,
    PRIMARY KEY (suite_hash, moment_id)
);
COMMENT ON TABLE suites IS 'A moment that belongs to a suite.';
COMMENT ON COLUMN suites.suite_hash IS 'Named by the content of the suite''s sessions and moments.';

CREATE TABLE runs (
    run_id VARCHAR PRIMARY KEY,
    command VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    finished_at TIMESTAMP,
    status VARCHAR NOT NULL CHECK (status IN ('running', 'done', 'failed', 'over_budget', 'interrupted')),
    error VARCHAR,
    config JSON NOT NULL,
    suite_hash VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    calls INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    cost_usd DOUBLE
);
COMMENT ON TABLE runs IS 'An invocation that may send requests.';
COMMENT ON COLUMN runs.status IS 'running, done, failed (some work gave nothing), over_budget or interrupted; a run that was killed stays running.';
COMMENT ON COLUMN runs.error IS 'What stopped the run early.';
COMMENT ON COLUMN runs.config IS 'The resolved config and the hashes of the prompts.';
COMMENT ON COLUMN runs.version IS 'Of nextstep.';
COMMENT ON COLUMN runs.calls IS 'Replies that this run paid for.';
COMMENT ON COLUMN runs.failed IS 'Pieces of work that gave nothing in this run.';
COMMENT ON COLUMN runs.cost_usd IS 'What this run cost in US dollars; NULL where a reply has no known price, see costs.';

CREATE TABLE replies (
    reply_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL CHECK (purpose IN ('propose', 'judge')),
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
COMMENT ON TABLE replies IS 'A paid answer, raw, stored before anything is read from it.';
COMMENT ON COLUMN replies.reply_id IS 'Named by the purpose, the model, the whole request and the sample.';
COMMENT ON COLUMN replies.purpose IS 'propose or judge.';
COMMENT ON COLUMN replies.sample IS 'Numbers repeats of the same request, from 0.';
COMMENT ON COLUMN replies.request_sha256 IS 'SHA-256 of the request as canonical JSON.';
COMMENT ON COLUMN replies.body IS 'The JSON that came back.';
COMMENT ON COLUMN replies.input_tokens IS 'Tokens read neither from nor into a cache; NULL where the server did not say.';
COMMENT ON COLUMN replies.cost_usd IS 'US dollars; NULL where the price or the usage is not known, 0 only for offline models.';
COMMENT ON COLUMN replies.latency_s IS 'Seconds of the attempt that was answered.';
COMMENT ON COLUMN replies.attempts IS 'Tries until the answer came.';
COMMENT ON COLUMN replies.request_id IS 'The server''s own name for the request.';

CREATE TABLE asked (
    candidate VARCHAR NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    moment_id VARCHAR NOT NULL,
    sample INTEGER NOT NULL,
    PRIMARY KEY (candidate, prompt_hash, moment_id, sample)
);
COMMENT ON TABLE asked IS 'A proposal that a run set out to get: what is due, whether or not it came.';
COMMENT ON COLUMN asked.prompt_hash IS 'Of the candidate''s prompt and parameters.';

CREATE TABLE proposals (
    proposal_id VARCHAR PRIMARY KEY,
    moment_id VARCHAR NOT NULL,
    candidate VARCHAR NOT NULL,
    sample INTEGER NOT NULL,
    text VARCHAR NOT NULL,
    n_words INTEGER NOT NULL,
    in_band BOOLEAN NOT NULL,
    shortened BOOLEAN NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    reply_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE proposals IS 'The next step that a candidate committed to.';
COMMENT ON COLUMN proposals.proposal_id IS 'Named by the moment, the candidate, the sample, the prompt and the text.';
COMMENT ON COLUMN proposals.candidate IS 'The candidate''s name: the model''s, unless evals.yaml gives another.';
COMMENT ON COLUMN proposals.in_band IS 'Whether its length is within the band that was asked for.';
COMMENT ON COLUMN proposals.shortened IS 'Whether the prefix was shortened to fit the model''s window.';
COMMENT ON COLUMN proposals.prompt_hash IS 'Of the candidate''s prompt and parameters.';

CREATE TABLE verdicts (
    verdict_id VARCHAR PRIMARY KEY,
    proposal_id VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    "order" VARCHAR NOT NULL CHECK ("order" IN ('model_first', 'human_first')),
    choice VARCHAR NOT NULL CHECK (choice IN ('model', 'human', 'tie')),
    strength INTEGER NOT NULL CHECK (strength BETWEEN 0 AND 2),
    reason VARCHAR NOT NULL,
    shortened BOOLEAN NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    reply_id VARCHAR NOT NULL,
    created_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE verdicts IS 'A judge''s answer in one order.';
COMMENT ON COLUMN verdicts.judge IS 'The judge''s name: the model''s, unless evals.yaml gives another.';
COMMENT ON COLUMN verdicts."order" IS 'Whose step stood first: model_first or human_first.';
COMMENT ON COLUMN verdicts.choice IS 'Whose step the judge found better: model, human or tie.';
COMMENT ON COLUMN verdicts.strength IS '0 tie, 1 slightly, 2 clearly better. Stored, not scored.';
COMMENT ON COLUMN verdicts.reason IS 'The judge''s reasoning, written before its choice.';
COMMENT ON COLUMN verdicts.prompt_hash IS 'Of the judge''s prompt, its parameters and the way of judging.';

CREATE TABLE failures (
    failure_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    stage VARCHAR NOT NULL CHECK (stage IN ('propose', 'judge')),
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
COMMENT ON TABLE failures IS 'Work that was tried and gave nothing. It stays as history when a later run succeeds.';
COMMENT ON COLUMN failures.kind IS 'Why: refusal, max_tokens, window, empty, unreadable, or the name of a transport error.';
COMMENT ON COLUMN failures.proposal_id IS 'The proposal to be judged, for the judge stage.';
COMMENT ON COLUMN failures.model IS 'The model that failed: the candidate''s or the judge''s.';
COMMENT ON COLUMN failures.attempts IS 'Tries in the last run that tried.';
COMMENT ON COLUMN failures.reply_id IS 'The name of the answer that was sought; it is in replies when one came.';

CREATE TABLE win_rates (
    suite_hash VARCHAR NOT NULL,
    candidate VARCHAR NOT NULL,
    judge VARCHAR NOT NULL,
    "set" VARCHAR NOT NULL,
    n_moments INTEGER NOT NULL,
    n_sessions INTEGER NOT NULL,
    wins INTEGER NOT NULL,
    losses INTEGER NOT NULL,
    ties INTEGER NOT NULL,
    flips INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    due INTEGER NOT NULL,
    win_rate DOUBLE,
    ci_low DOUBLE,
    ci_high DOUBLE,
    average_win_rate DOUBLE,
    flip_rate DOUBLE,
    effective_sessions DOUBLE,
    deff DOUBLE,
    status VARCHAR NOT NULL,
    offline BOOLEAN NOT NULL,
    proposal_prompt_hash VARCHAR NOT NULL,
    verdict_prompt_hash VARCHAR NOT NULL,
    prompt_hash VARCHAR NOT NULL,
    updated_at TIMESTAMP NOT NULL,
    PRIMARY KEY (suite_hash, candidate, judge, "set", prompt_hash)
);
COMMENT ON TABLE win_rates IS 'An estimate: one candidate, one judge, one set of one suite. wins + losses + ties + flips + failures + pending = due.';
COMMENT ON COLUMN win_rates.n_moments IS 'Moments with at least one outcome: the n of the interval.';
COMMENT ON COLUMN win_rates.n_sessions IS 'Sessions that those moments come from.';
COMMENT ON COLUMN win_rates.wins IS 'Outcomes, one for each (moment, sample).';
COMMENT ON COLUMN win_rates.flips IS 'The orders contradict each other: the judge saw the position.';
COMMENT ON COLUMN win_rates.failures IS '(moment, sample) pairs whose proposal or verdict was tried and gave nothing; they are in no rate.';
COMMENT ON COLUMN win_rates.pending IS '(moment, sample) pairs that an interrupted run left unjudged.';
COMMENT ON COLUMN win_rates.due IS '(moment, sample) pairs that were asked for.';
COMMENT ON COLUMN win_rates.win_rate IS 'Mean over moments of the mean score of their samples: win 1, tie and flip 0.5, loss 0.';
COMMENT ON COLUMN win_rates.ci_low IS '95 % cluster Wilson-t interval, sessions as the independent unit.';
COMMENT ON COLUMN win_rates.average_win_rate IS 'The same with the mean of both orders as the score, as a check.';
COMMENT ON COLUMN win_rates.flip_rate IS 'Share of judged pairs whose two orders differ in any way.';
COMMENT ON COLUMN win_rates.effective_sessions IS 'G*: as many equal sessions would weigh as much.';
COMMENT ON COLUMN win_rates.deff IS 'Variance of the win rate over that of independent moments.';
COMMENT ON COLUMN win_rates.status IS 'ok, few_sessions, tiny, degenerate, single_session or empty; see the documentation.';
COMMENT ON COLUMN win_rates.offline IS 'An offline model took part: the figure tests the pipeline and says nothing about any model.';
COMMENT ON COLUMN win_rates.prompt_hash IS 'Of both prompt hashes.';

CREATE VIEW outcomes AS
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
    f.prompt_hash AS verdict_prompt_hash
FROM proposals p
JOIN moments m USING (moment_id)
JOIN verdicts f ON f.proposal_id = p.proposal_id AND f."order" = 'model_first'
JOIN verdicts s
    ON s.proposal_id = p.proposal_id AND s."order" = 'human_first' AND s.judge = f.judge AND s.prompt_hash = f.prompt_hash;
COMMENT ON VIEW outcomes IS 'Both orders of a judged pair folded, from the candidate''s side.';
COMMENT ON COLUMN outcomes.outcome IS 'win, loss, tie, or flip when one order says model and the other human.';
COMMENT ON COLUMN outcomes.score IS 'Consensus: 1, 0.5 or 0 where both orders agree, else 0.5. The primary score.';
COMMENT ON COLUMN outcomes.average_score IS 'The mean score of both orders.';
COMMENT ON COLUMN outcomes.flipped IS 'The two orders differ in any way, ties included.';

CREATE VIEW open_failures AS
SELECT f.*
FROM failures f
WHERE NOT EXISTS (
        FROM proposals p
        WHERE f.stage = 'propose' AND p.moment_id = f.moment_id AND p.candidate = f.candidate AND p.sample = f.sample
            AND p.prompt_hash = f.prompt_hash)
    AND NOT EXISTS (
        FROM verdicts v
        WHERE f.stage = 'judge' AND v.proposal_id = f.proposal_id AND v.judge = f.judge AND v."order" = f."order"
            AND v.prompt_hash = f.prompt_hash);
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
