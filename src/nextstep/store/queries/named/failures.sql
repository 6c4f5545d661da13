-- What was tried and gave nothing, and why?
SELECT stage, model, kind, count(*) AS failures, any_value(message) AS example
FROM failures
GROUP BY stage, model, kind
ORDER BY failures DESC, stage, model, kind;
