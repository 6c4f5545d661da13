-- Batches: calls that a server answers together and later, at half the price.

CREATE TABLE batches (
    batch_key VARCHAR PRIMARY KEY,
    batch_id VARCHAR,
    run_id VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    address VARCHAR NOT NULL,
    n_requests INTEGER NOT NULL,
    estimate_usd DOUBLE NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('submitting', 'open', 'collected', 'lost')),
    created_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);
COMMENT ON TABLE batches IS 'Calls of one model that were sent together, to be answered later at half the price.';
COMMENT ON COLUMN batches.batch_key IS 'Our own name for it, which is there before the server''s.';
COMMENT ON COLUMN batches.batch_id IS 'The server''s name for it; NULL until it is known.';
COMMENT ON COLUMN batches.run_id IS 'The run that sent it. The run that collects an answer stands in replies.';
COMMENT ON COLUMN batches.address IS 'The base URL of the server that has it.';
COMMENT ON COLUMN batches.n_requests IS 'Calls in it.';
COMMENT ON COLUMN batches.estimate_usd IS 'What it may cost, as estimated before it was sent; 0 where no limit was set.';
COMMENT ON COLUMN batches.status IS 'submitting (whether the server has it is not known yet), open (the server works on it), collected, or lost (the server does not have it, or no more).';
COMMENT ON COLUMN batches.created_at IS 'When it was about to be sent.';
COMMENT ON COLUMN batches.ended_at IS 'When the server had ended it.';

CREATE TABLE batch_items (
    batch_key VARCHAR NOT NULL,
    reply_id VARCHAR NOT NULL,
    purpose VARCHAR NOT NULL,
    sample INTEGER NOT NULL,
    request_sha256 VARCHAR NOT NULL,
    attempt INTEGER NOT NULL,
    outcome VARCHAR,
    PRIMARY KEY (batch_key, reply_id)
);
COMMENT ON TABLE batch_items IS 'A call in a batch. Its custom_id there is REPLY_ID_BATCH_KEY.';
COMMENT ON COLUMN batch_items.reply_id IS 'The name of the answer that is sought; it is in replies when it has come.';
COMMENT ON COLUMN batch_items.purpose IS 'As in replies.';
COMMENT ON COLUMN batch_items.sample IS 'As in replies.';
COMMENT ON COLUMN batch_items.request_sha256 IS 'As in replies.';
COMMENT ON COLUMN batch_items.attempt IS 'How often the call has been in a batch by now, this one included.';
COMMENT ON COLUMN batch_items.outcome IS 'succeeded, expired, canceled, missing, or the name of the error; NULL until it is known.';
