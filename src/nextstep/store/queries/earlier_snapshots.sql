-- Which sessions have these, each under its name and origin, taken the place of, with nothing made from them?
SELECT old.session_id
FROM sessions old
JOIN (SELECT unnest($session_ids) AS session_id, unnest($names) AS name, unnest($origins) AS origin) new
    ON old.name = new.name AND old.origin = new.origin AND old.session_id <> new.session_id
WHERE old.session_id NOT IN (SELECT session_id FROM moments)
