-- What is each candidate's win rate on each set, under each judge?
SELECT candidate, judge, "set", n_moments, n_sessions, wins, losses, ties, flips, failures, pending, due,
    round(win_rate, 3) AS win_rate, round(ci_low, 3) AS ci_low, round(ci_high, 3) AS ci_high,
    round(flip_rate, 3) AS flip_rate, status, offline
FROM win_rates
ORDER BY suite_hash, judge, candidate, "set" DESC;
