-- Which settings did the candidates of past runs have?
SELECT DISTINCT to_json(unnest(from_json(config -> '$.candidates', '["JSON"]'))) AS settings
FROM runs
ORDER BY settings;
