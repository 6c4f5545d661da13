-- What did gates say, the last first?
SELECT declared_at, candidate, baseline, judge, "set", verdict, reason, look, margin, alpha, n_moments,
    round(100 * difference, 1) AS difference_pp, round(100 * ci_low, 1) AS low_pp, round(100 * ci_high, 1) AS high_pp,
    round(100 * mde, 1) AS mde_pp
FROM gates
ORDER BY declared_at DESC, gate_id, "set" DESC;
