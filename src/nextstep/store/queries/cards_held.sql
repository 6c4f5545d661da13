-- Which judges have cards, over which suite, and which guesses do these count?
SELECT suite_hash, judge, prompt_hash, max(guess_hash) AS guess_hash
FROM judge_health
GROUP BY ALL
ORDER BY ALL;
