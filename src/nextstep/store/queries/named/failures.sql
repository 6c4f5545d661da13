-- What was tried and has given nothing to this day, and why?
SELECT stage, model, kind, count(*) AS failures, any_value(message) AS example
FROM open_failures
GROUP BY stage, model, kind
ORDER BY failures DESC, stage, model, kind;
