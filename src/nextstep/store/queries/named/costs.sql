-- What did each run spend, on which model and for what?
SELECT r.started_at, c.run_id, c.model, c.purpose, c.calls, c.tokens, round(c.cost_usd, 4) AS cost_usd, c.unpriced
FROM costs c
JOIN runs r USING (run_id)
ORDER BY r.started_at, c.model, c.purpose;
