-- Which notes go with a session whose place a longer one has taken?
DELETE FROM import_notes WHERE session_id = $session_id
