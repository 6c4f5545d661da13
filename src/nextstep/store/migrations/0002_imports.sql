-- Where sessions come from: what each import did to a transcript.

ALTER TABLE sessions ADD COLUMN origin VARCHAR;
ALTER TABLE sessions ADD COLUMN redacted BOOLEAN;
COMMENT ON COLUMN sessions.origin IS 'The session''s own name in the tool that wrote it: two snapshots of one session share it.';
COMMENT ON COLUMN sessions.redacted IS 'Whether secrets were looked for and replaced on import; NULL where it is not known.';

ALTER TABLE moments ADD COLUMN kind VARCHAR;
COMMENT ON COLUMN moments.kind IS 'How the human chose: text (typed), rejection, answer or queued.';

CREATE TABLE imports (
    sha256 VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    bytes BIGINT NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('new', 'known', 'grown', 'part', 'empty', 'refused', 'skipped')),
    reason VARCHAR,
    session_ids VARCHAR[] NOT NULL,
    redacted BOOLEAN NOT NULL,
    complete BOOLEAN NOT NULL,
    reader VARCHAR NOT NULL,
    imported_at TIMESTAMP NOT NULL,
    PRIMARY KEY (sha256, path)
);
COMMENT ON TABLE imports IS 'A transcript that was imported, or why it was not; the last time counts.';
COMMENT ON COLUMN imports.sha256 IS 'Of the transcript''s bytes; empty where it could not be read.';
COMMENT ON COLUMN imports.path IS 'Where it was, with home folders redacted.';
COMMENT ON COLUMN imports.status IS 'new, known (it was there), grown (it took the place of its own beginning), part (a longer snapshot is there), empty (no message), refused (cannot be read) or skipped (a filter left it out, or it is no transcript).';
COMMENT ON COLUMN imports.reason IS 'Why it was refused, skipped or empty.';
COMMENT ON COLUMN imports.session_ids IS 'The sessions that hold it.';
COMMENT ON COLUMN imports.redacted IS 'Whether secrets were looked for and replaced.';
COMMENT ON COLUMN imports.complete IS 'Whether no filter left out any of its sessions.';
COMMENT ON COLUMN imports.reader IS 'The version of the readers: a later one may read the same bytes otherwise.';

CREATE TABLE import_notes (
    session_id VARCHAR NOT NULL,
    about VARCHAR NOT NULL CHECK (about IN ('reading', 'sender', 'redaction')),
    reason VARCHAR NOT NULL,
    count INTEGER NOT NULL,
    lines INTEGER[] NOT NULL,
    PRIMARY KEY (session_id, about, reason)
);
COMMENT ON TABLE import_notes IS 'What a reader repaired, dropped, left out or replaced in a session''s transcript, and who wrote its user records.';
COMMENT ON COLUMN import_notes.about IS 'reading (repaired, dropped or left out), sender (why user records are the human''s, or not) or redaction (a kind of secret).';
COMMENT ON COLUMN import_notes.reason IS 'What was done; for sender a code, for redaction the kind of secret.';
COMMENT ON COLUMN import_notes.count IS 'How often.';
COMMENT ON COLUMN import_notes.lines IS 'The first 200 lines of the transcript that it happened on, from 1; none where the format has no lines.';
