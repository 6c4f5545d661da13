-- What is each candidate's win rate on each set, under each judge, and how far can the judge be trusted?
-- A jury is trusted as far as the least of its judges.
WITH trusts AS (SELECT ['not trusted', 'not calibrated', 'use with care', 'trusted'] AS names),
cards AS (SELECT suite_hash, judge, prompt_hash, any_value(trust) AS trust FROM judge_health GROUP BY ALL),
members AS (
    SELECT suite_hash, candidate, judge, "set", prompt_hash,
        unnest(coalesce(jury, [{judge: judge, prompt_hash: verdict_prompt_hash}])) AS member
    FROM win_rates
),
standing AS (
    SELECT m.suite_hash, m.candidate, m.judge, m."set", m.prompt_hash,
        t.names[min(list_position(t.names, coalesce(c.trust, 'not calibrated')))] AS trust
    FROM members m
    CROSS JOIN trusts t
    LEFT JOIN cards c
        ON c.suite_hash = m.suite_hash AND c.judge = m.member.judge AND c.prompt_hash = m.member.prompt_hash
    GROUP BY m.suite_hash, m.candidate, m.judge, m."set", m.prompt_hash, t.names
)
SELECT candidate, judge, prompt_hash, "set", n_moments, n_sessions, wins, losses, ties, flips, failures, pending, due,
    round(win_rate, 3) AS win_rate, round(ci_low, 3) AS ci_low, round(ci_high, 3) AS ci_high,
    round(flip_rate, 3) AS flip_rate, status, trust, offline
FROM win_rates
JOIN standing USING (suite_hash, candidate, judge, "set", prompt_hash)
ORDER BY suite_hash, judge, candidate, "set" DESC, prompt_hash;
