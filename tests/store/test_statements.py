"""A user's statement only reads the store: whatever else it tries is refused in one line, before anything is run."""

import pytest

from nextstep.errors import UsageError
from nextstep.store import Store
from nextstep.store.asking import ask, ask_arrow

HOSTILE = {
    "insert": "INSERT INTO suites VALUES ('a', 'b')",
    "update": "UPDATE runs SET status = 'done'",
    "delete": "DELETE FROM replies",
    "delete-in-with": "WITH gone AS (DELETE FROM replies RETURNING *) FROM gone",
    "merge": "MERGE INTO suites USING suites s ON true WHEN MATCHED THEN DELETE",
    "create": "CREATE TABLE x (y INTEGER)",
    "create-temp": "CREATE TEMP TABLE x AS SELECT 1",
    "create-macro": "CREATE TEMP MACRO peek(f) AS TABLE FROM read_text(f)",
    "drop": "DROP TABLE replies",
    "alter": "ALTER TABLE replies ADD COLUMN x INTEGER",
    "attach": "ATTACH '{folder}/other.duckdb'",
    "attach-itself": "ATTACH '{store}' AS again",
    "copy-to": "COPY replies TO '{folder}/out.csv'",
    "copy-query": "COPY (SELECT 1) TO '{folder}/out.parquet'",
    "export": "EXPORT DATABASE '{folder}/out'",
    "import": "IMPORT DATABASE '{folder}'",
    "read-csv": "FROM read_csv('{folder}/secret.csv')",
    "read-text": "SELECT * FROM read_text('{folder}/secret.csv')",
    "read-blob-of-the-store": "FROM read_blob('{store}')",
    "read-its-log": "FROM read_text('{store}.wal')",
    "read-duckdb": "FROM read_duckdb('{store}')",
    "sniff": "FROM sniff_csv('{folder}/secret.csv')",
    "parquet": "FROM parquet_metadata('{folder}/secret.parquet')",
    "glob": "FROM glob('{folder}/*')",
    "file-as-a-table": "FROM '{folder}/secret.csv'",
    "file-in-quotes": 'FROM "{folder}/secret.csv"',
    "the-store-as-a-table": "FROM '{store}'",
    "address-as-a-table": "FROM 'https://example.com/secret.parquet'",
    "in-a-subquery": "SELECT (SELECT content FROM read_text('{folder}/secret.csv'))",
    "in-a-list": "SELECT [x FOR x IN (SELECT content FROM read_text('{folder}/secret.csv'))]",
    "in-a-describe": "DESCRIBE FROM read_csv('{folder}/secret.csv')",
    "in-a-summary": "SUMMARIZE FROM '{folder}/secret.csv'",
    "qualified": "FROM system.main.READ_TEXT('{folder}/secret.csv')",
    "query": "FROM query('FROM read_text(''{folder}/secret.csv'')')",
    "serialized": "FROM json_execute_serialized_sql(json_serialize_sql('FROM glob(''*'')'))",
    "install": "INSTALL httpfs",
    "load": "LOAD httpfs",
    "set": "SET enable_external_access = true",
    "reset": "RESET lock_configuration",
    "pragma": "PRAGMA enable_profiling",
    "pragma-list": "PRAGMA database_list",
    "call": "CALL enable_logging()",
    "checkpoint": "CHECKPOINT",
    "environment": "SELECT getenv('HOME')",
    "settings": "SELECT current_setting('temp_directory')",
    "secrets": "FROM duckdb_secrets()",
    "which-secret": "FROM which_secret('s3://bucket', 's3')",
    "create-secret": "CREATE SECRET mine (TYPE s3, KEY_ID 'x')",
    "two-statements": "SELECT 1; DELETE FROM replies",
    "prepare": "PREPARE later AS DELETE FROM replies",
    "begin": "BEGIN",
    "no-name": "UPDATE EXTENSIONS",
    "comment-first": "/* SELECT */ -- FROM\nDROP VIEW outcomes",
    "variable-of-python": "FROM secret",
}
secret = [{"text": "of this program"}]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """One for all: nothing may change it."""
    folder = tmp_path_factory.mktemp("place")
    store = Store(folder / "s.duckdb")
    with store.write():
        pass
    (folder / "secret.csv").write_text("word\nsecret\n")
    return store


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("way", [ask, ask_arrow], ids=["rows", "arrow"])
def test_what_does_not_read_the_store_is_refused(store: Store, name: str, way: object) -> None:
    folder = store.path.parent
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    text = HOSTILE[name].format(store=store.path, folder=folder)
    with store.read(sealed=True) as connection, pytest.raises(UsageError) as told:
        way(connection, text)  # type: ignore[operator]
    message = str(told.value)
    if name not in ("two-statements", "variable-of-python", "import"):
        assert message.startswith("read-only: "), message
        assert "\n" not in message
        assert "`duckdb`" in message
    assert "of this program" not in message
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


READING = (
    "FROM win_rates",
    "FROM main.runs;",
    "-- a question\nSELECT 1",
    "WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM a WHERE x < 3) FROM a",
    "VALUES (1)",
    "TABLE runs",
    "DESCRIBE runs",
    "SHOW TABLES",
    "SUMMARIZE runs",
    "FROM duckdb_columns() WHERE table_name = 'runs'",
    "FROM pragma_table_info('runs')",
    "SELECT x, range FROM range(3) t(range), generate_series(1, 2) s(x), unnest([1]) u(y)",
    "SELECT moment_id, unnest(tags) FROM moments",
    "SELECT list_transform([1, 2], lambda x: x + 1)",
    "FROM (PIVOT runs ON status IN ('done', 'failed') USING count(*))",
    "SELECT now(), count(*) FROM runs",
    "SELECT config->>'$.suite', '/a.b' AS \"a/b.c\" FROM runs",
)


@pytest.mark.parametrize("text", READING)
def test_what_reads_the_store_is_answered(store: Store, text: str) -> None:
    with store.read(sealed=True) as connection:
        rows, table = ask(connection, text), ask_arrow(connection, text)
    assert len(rows) == table.num_rows
    if rows:
        assert list(rows[0]) == table.column_names


@pytest.mark.parametrize("text", ["", " ;; ", "-- nothing"])
def test_no_statement_is_told_with_an_example(store: Store, text: str) -> None:
    with store.read(sealed=True) as connection, pytest.raises(UsageError, match="FROM win_rates"):
        ask(connection, text)


@pytest.mark.parametrize("text", ["SELECT " + "(" * 5_000 + "1" + ")" * 5_000, "SELECT 1" + " + 1" * 50_000])
def test_a_query_of_any_depth_is_answered_or_refused(store: Store, text: str) -> None:
    with store.read(sealed=True) as connection, pytest.raises(UsageError):
        ask(connection, text)


def test_sums_are_whole_numbers_in_arrow_and_odd_columns_keep_apart(store: Store) -> None:
    with store.read(sealed=True) as connection:
        table = ask_arrow(
            connection, "SELECT sum(1) AS n, 1 AS a, 2 AS a, 1.5::DECIMAL(4, 2) AS d, 2::HUGEINT ** 1 AS p"
        )
        large = ask_arrow(connection, "SELECT 170141183460469231731687303715884105727 AS n")
    assert table.column_names == ["n", "a", "a_2", "d", "p"]
    assert str(table.schema.field("n").type) == "int64"
    assert large.to_pylist()[0]["n"] == 170141183460469231731687303715884105727
