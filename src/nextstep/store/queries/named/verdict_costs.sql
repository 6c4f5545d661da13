-- What does a verdict of each judge cost, and how long does it take?
SELECT judge, prompt_hash, model, count(*) AS paid_answers, round(sum(cost_usd), 4) AS cost_usd,
    round(avg(cost_usd), 6) AS usd_each, round(avg(output_tokens)) AS output_tokens_each,
    round(median(latency_s), 2) AS median_s
FROM (SELECT DISTINCT judge, prompt_hash, reply_id FROM verdicts)
JOIN replies USING (reply_id)
GROUP BY judge, prompt_hash, model
ORDER BY judge, prompt_hash, model;
