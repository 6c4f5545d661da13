-- What the engine keeps: tokens kept for an hour, and batches.

ALTER TABLE replies ADD COLUMN cache_write_1h_tokens BIGINT;
COMMENT ON COLUMN replies.cache_write_1h_tokens IS 'Of cache_write_tokens, those kept for an hour, which cost more.';
