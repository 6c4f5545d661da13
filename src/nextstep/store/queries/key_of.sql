-- Of what columns, of which types, is the key of this table?
SELECT columns.column_name AS name, columns.data_type AS type
FROM duckdb_constraints() AS keys
JOIN duckdb_columns() AS columns USING (table_oid, database_oid)
WHERE keys.database_name = current_database()
  AND keys.table_name = $table
  AND keys.constraint_type = 'PRIMARY KEY'
  AND columns.column_name IN (SELECT unnest(keys.constraint_column_names))
ORDER BY list_position(keys.constraint_column_names, columns.column_name);
