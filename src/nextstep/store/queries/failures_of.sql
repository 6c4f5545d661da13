-- What was tried at a moment and gave nothing?
SELECT stage, candidate, sample, judge, "order", kind, message FROM failures
WHERE moment_id = $moment_id
ORDER BY candidate, stage DESC, sample;
