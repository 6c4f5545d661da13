-- What was tried at a moment and has given nothing to this day?
SELECT stage, candidate, sample, judge, "order", kind, message
FROM open_failures
WHERE moment_id = $moment_id
ORDER BY candidate, stage DESC, sample;
