-- Which events do these session files of the suite hold? The first line of each, the header, has no idx.
INSERT INTO events (session_id, idx, role, kind, tool, text, "at")
SELECT named.session_id, read.idx, read.role, read.kind, read.tool, read.text, read."at"
FROM read_json(
    $patterns,
    format = 'newline_delimited',
    columns = {idx: 'INTEGER', role: 'VARCHAR', kind: 'VARCHAR', tool: 'VARCHAR', text: 'VARCHAR', "at": 'TIMESTAMP'},
    maximum_object_size = $longest,
    filename = true
) read
JOIN (SELECT unnest($session_ids) AS session_id, unnest($paths) AS filename) named USING (filename)
WHERE read.idx IS NOT NULL
