-- Which notes go with sessions that are read anew, or whose place longer ones have taken?
DELETE FROM import_notes WHERE session_id IN (SELECT unnest($session_ids))
