-- What became of every (moment, sample) that a candidate was asked for, under one judge?
-- A failed proposal, rewrite or verdict counts as a failure only until a later run succeeds; what nobody tried yet is
-- pending. The judged ones stand in the temporary table `judged`; of a sample that came twice, the one that counts comes
-- first.
WITH unjudged AS (
    SELECT proposal_id, bool_or(kind = 'refusal') AS refused FROM failures
    WHERE stage = 'judge' AND judge = $judge AND prompt_hash = $verdict_prompt_hash
    GROUP BY proposal_id
),
proposed AS (
    SELECT p.moment_id, p.sample, bool_or(p.shortened) AS shortened, bool_or(u.proposal_id IS NOT NULL) AS failed,
        bool_or(u.refused) AS refused
    FROM proposals p
    LEFT JOIN unjudged u USING (proposal_id)
    WHERE p.candidate = $candidate AND p.prompt_hash = $proposal_prompt_hash
    GROUP BY p.moment_id, p.sample
),
unproposed AS (
    SELECT moment_id, sample, bool_or(kind = 'refusal') AS refused FROM failures
    WHERE stage = 'propose' AND candidate = $candidate AND prompt_hash = $proposal_prompt_hash
    GROUP BY moment_id, sample
),
shown AS MATERIALIZED (  -- each moment once: its human step is long, and its samples are many
    SELECT
        m.moment_id, m.session_id, m."set", m.tags, n.name AS session, n.started_at,
        len(regexp_extract_all(m.human_step, '[^\s\x0b\x1c-\x1f\x{85}\pZ]+')) AS n_words
    FROM moments m
    JOIN sessions n USING (session_id)
    JOIN suites s ON s.moment_id = m.moment_id AND s.suite_hash = $suite_hash
),
unformed AS (
    SELECT moment_id, bool_or(kind = 'refusal') AS refused FROM failures
    WHERE stage = 'scribe' AND prompt_hash = $scribe_hash
        AND moment_id NOT IN (SELECT moment_id FROM rewrites WHERE kind = 'form' AND prompt_hash = $scribe_hash)
    GROUP BY moment_id
)
SELECT
    a.moment_id,
    a.sample,
    m.session_id,
    m."set",
    m.tags,
    m.session,
    m.started_at,
    CASE
        WHEN j.outcome IS NOT NULL THEN j.outcome
        WHEN p.moment_id IS NULL AND f.moment_id IS NOT NULL THEN 'failure'
        WHEN p.failed OR r.moment_id IS NOT NULL THEN 'failure'
        ELSE 'pending'
    END AS outcome,
    j.score,
    j.average_score,
    j.flipped,
    j.score_first,
    j.score_second,
    j.n_words AS words,
    coalesce(w.n_words, m.n_words) AS human_words,
    coalesce(j.prefix_shortened, p.shortened) AS prefix_shortened,
    j.judge_shortened,
    j.outcome IS NULL AND (
        (p.moment_id IS NULL AND coalesce(f.refused, false)) OR coalesce(p.refused, false) OR coalesce(r.refused, false)
    ) AS refused
FROM asked a
JOIN shown m USING (moment_id)
LEFT JOIN judged j ON j.moment_id = a.moment_id AND j.sample = a.sample
LEFT JOIN rewrites w ON w.rewrite_id = j.rewrite_id
LEFT JOIN proposed p ON p.moment_id = a.moment_id AND p.sample = a.sample
LEFT JOIN unproposed f ON f.moment_id = a.moment_id AND f.sample = a.sample
LEFT JOIN unformed r ON r.moment_id = a.moment_id
WHERE a.candidate = $candidate AND a.prompt_hash = $proposal_prompt_hash
ORDER BY a.moment_id, a.sample, j.proposed_at, j.proposal_id;
