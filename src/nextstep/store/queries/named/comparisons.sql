-- Which candidates differ on the moments that both were scored at?
SELECT candidate, baseline, judge, "set", n_moments, round(100 * difference, 1) AS difference_pp,
    round(100 * ci_low, 1) AS low_pp, round(100 * ci_high, 1) AS high_pp, p_value, p_holm, round(100 * mde, 1) AS mde_pp
FROM comparisons
ORDER BY judge, "set" DESC, candidate, baseline;
