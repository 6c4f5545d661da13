-- What was proposed at a moment, and how was it judged?
SELECT p.proposal_id, p.candidate, p.sample, p.text, p.shortened, r.model, v.judge, w.model AS judge_model, v."order",
    v.choice, v.strength, v.reason, v.rewrite_id, p.prompt_hash AS proposal_prompt_hash,
    v.prompt_hash AS verdict_prompt_hash
FROM proposals p
LEFT JOIN replies r ON r.reply_id = p.reply_id
LEFT JOIN verdicts v ON v.proposal_id = p.proposal_id
LEFT JOIN replies w ON w.reply_id = v.reply_id
WHERE p.moment_id = $moment_id
ORDER BY p.candidate, p.created_at, p.sample, p.proposal_id, v.judge, v.created_at, v.prompt_hash, v."order" DESC;
