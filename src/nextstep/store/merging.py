"""One store's rows into another's: united by their keys, so that the order and the grouping of merges do not matter.

Every id names what produced a row, so most rows of one key are one row. Where they differ, a rule that looks at the
rows alone says which stands: what was made first, with the whole row to settle ties; of a run, how it ended; of a
session's or moment's labels, those of the last run. A reply that lost is kept under a name of its own, since it was
paid for and others were read from it; whatever was read from it names it so.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile

from nextstep.store.connecting import Connection
from nextstep.store.database import Store, check_version, migrations

LABELLED = """(SELECT max(r.started_at) FROM {place}.suites u JOIN {place}.runs r USING (suite_hash)
    JOIN {place}.moments m ON m.moment_id = u.moment_id WHERE m.{key} = x.{key})"""
"""When the last run began that had a suite with this session or moment."""


@dataclass(frozen=True)
class Table:
    """A table, its key, and which of two rows with one key stands: by its `rank`, then by all that it says."""

    name: str
    keys: tuple[str, ...]
    rank: str = "NULL"
    """SQL over a row `x` of the store `{place}`. Of two ranks the smaller stands; NULL is the last."""
    latest: bool = False
    """The greater rank stands."""
    read: bool = False
    """Its rows were read from replies, which `reply_id` names."""
    fixed: bool = False
    """Its key names its content: two rows of one key are one row."""


MADE = "x.created_at"
RECORDS = (
    Table("sessions", ("session_id",), LABELLED.replace("{key}", "session_id"), latest=True),
    Table("moments", ("moment_id",), LABELLED.replace("{key}", "moment_id"), latest=True),
    Table("events", ("session_id", "idx"), fixed=True),
    Table("imports", ("sha256", "path"), "x.imported_at", latest=True),
    Table("import_notes", ("session_id", "about", "reason")),
    Table("runs", ("run_id",), "x.finished_at", latest=True),
    Table("suites", ("suite_hash", "moment_id"), fixed=True),
    Table("replies", ("reply_id",), MADE),
    Table("asked", ("candidate", "prompt_hash", "moment_id", "sample"), fixed=True),
    Table("proposals", ("proposal_id",), MADE, read=True),
    Table("rewrites", ("rewrite_id",), MADE, read=True),
    Table("verdicts", ("verdict_id",), MADE, read=True),
    Table("probes", ("probe_id",), MADE),
    Table("probe_verdicts", ("verdict_id",), MADE, read=True),
    Table("guesses", ("guess_id",), MADE, read=True),
    Table("failures", ("failure_id",), MADE),  # its `reply_id` names a call, to which there may be no reply
    Table("batches", ("batch_key",), "x.ended_at", latest=True),
    Table("batch_items", ("batch_key", "reply_id"), "x.outcome"),
    Table("gates", ("gate_id", "set"), "x.decided_at", latest=True),
    Table(
        "comparisons",
        (
            "suite_hash",
            "candidate",
            "candidate_prompt_hash",
            "baseline",
            "baseline_prompt_hash",
            "judge",
            "verdict_prompt_hash",
            "set",
        ),
        "x.updated_at",
        latest=True,
    ),
)
"""What is united, in this order: labels go by the runs that a store itself has had, rows by the replies that are in."""

ESTIMATES = (
    Table("win_rates", ("suite_hash", "candidate", "judge", "set", "prompt_hash"), "x.updated_at", latest=True),
    Table("judge_health", ("suite_hash", "judge", "prompt_hash", "probe"), "x.updated_at", latest=True),
    Table(
        "agreement",
        ("suite_hash", "judge_a", "prompt_hash_a", "judge_b", "prompt_hash_b", "set"),
        "x.updated_at",
        latest=True,
    ),
)
"""What is worked out from the records. Its rows only say what was estimated: whoever merges works them out anew."""


@dataclass
class Merged:
    """What became of one table's rows: how many came, how many of them were new, and how many were there otherwise."""

    table: str
    came: int = 0
    new: int = 0
    differed: int = 0
    changed: int = 0
    """Of those that were there otherwise, the ones that now stand."""

    def add(self, more: "Merged") -> None:
        """Count another store's rows too."""
        self.came += more.came
        self.new += more.new
        self.differed += more.differed
        self.changed += more.changed


Watch = Callable[[Sequence[Table]], Iterable[Table]]
"""Sees the tables go by, to draw a bar."""


@contextmanager
def readable(store: Store, folder: Path) -> Iterator[Store]:
    """The store, or a migrated copy of it in the folder, where an earlier nextstep wrote it. It stays as it is."""
    copy = folder / f"{len(list(folder.iterdir()))}.duckdb"
    with store.as_it_is() as connection:
        if check_version(connection, store.path) == len(migrations()):
            copy = store.path
        else:
            copyfile(store.path, copy)
            log = store.path.with_name(f"{store.path.name}.wal")
            if log.exists():
                copyfile(log, copy.with_name(f"{copy.name}.wal"))
    if copy == store.path:
        yield store
        return
    older = Store(copy)
    with older.write():
        pass
    yield older


def unite(connection: Connection, source: str, watch: Watch = iter) -> list[Merged]:
    """Bring the rows of the attached store `source` into the connection's, inside the caller's transaction."""
    _rename_replies(connection, source)
    return [_unite(connection, source, table) for table in watch((*RECORDS, *ESTIMATES))]


def _rename_replies(connection: Connection, source: str) -> None:
    """Find the replies of one name and other content; in the store itself, give those that lose their own name."""
    version = _content(_columns(connection, "replies"))
    connection.execute("DROP TABLE IF EXISTS temp.renamed")
    connection.execute(
        f"""CREATE TEMP TABLE renamed AS
        WITH here AS (SELECT x.reply_id, x.created_at, {version} AS version FROM replies x SEMI JOIN {source}.replies
                USING (reply_id)),
            there AS (SELECT x.reply_id, x.created_at, {version} AS version FROM {source}.replies x SEMI JOIN replies
                USING (reply_id)),
            both_ways AS (
                SELECT reply_id, h.version AS mine, t.version AS other,
                    (h.created_at, h.version) < (t.created_at, t.version) AS mine_stands
                FROM here h JOIN there t USING (reply_id) WHERE h.version <> t.version)
        SELECT reply_id, mine_stands AS from_source,
            left(sha256(reply_id || CASE WHEN mine_stands THEN other ELSE mine END), 20) AS new_id
        FROM both_ways"""
    )
    mine = "SELECT x.* REPLACE (n.new_id AS reply_id) FROM {table} x JOIN temp.renamed n USING (reply_id)"
    mine += " WHERE NOT n.from_source"
    connection.execute("INSERT OR IGNORE INTO replies BY NAME " + mine.format(table="replies"))
    for table in RECORDS:
        if table.read:
            connection.execute(
                f'UPDATE "{table.name}" SET reply_id = n.new_id FROM temp.renamed n'
                f' WHERE "{table.name}".reply_id = n.reply_id AND NOT n.from_source'
            )


def _unite(connection: Connection, source: str, table: Table) -> Merged:
    """One table: add what is not there, and replace what stands no longer."""
    merged, incoming = Merged(table.name), _incoming(source, table)
    merged.came = _count(connection, f'SELECT count(*) FROM {source}."{table.name}"')
    if not merged.came:
        return merged
    keys = ", ".join(f'"{key}"' for key in table.keys)
    columns = _columns(connection, table.name)
    if not table.fixed:
        connection.execute("DROP TABLE IF EXISTS temp.differing")
        connection.execute(f"CREATE TEMP TABLE differing AS {_differing(source, table, columns, incoming)}")
        other = "renamed" if table.name == "replies" else "differing"
        merged.differed = _count(connection, f"SELECT count(*) FROM temp.{other}")
        merged.changed = _count(
            connection,
            f'INSERT OR REPLACE INTO "{table.name}" BY NAME SELECT i.* FROM ({incoming}) i'
            f" SEMI JOIN (FROM temp.differing WHERE stands) USING ({keys})",
        )
    merged.new = _count(
        connection,
        f'INSERT INTO "{table.name}" BY NAME SELECT i.* FROM ({incoming}) i ANTI JOIN "{table.name}" USING ({keys})',
    )
    return merged


def _incoming(source: str, table: Table) -> str:
    """The source's rows, with the names that replies have from now on."""
    if not (table.read or table.name == "replies"):
        return f'SELECT * FROM {source}."{table.name}"'
    return (
        f'SELECT x.* REPLACE (coalesce(n.new_id, x.reply_id) AS reply_id) FROM {source}."{table.name}" x'
        " LEFT JOIN temp.renamed n ON n.reply_id = x.reply_id AND n.from_source"
    )


def _differing(source: str, table: Table, columns: Sequence[str], incoming: str) -> str:
    """The keys of rows that are there with another content, and whether the source's row `stands`."""
    keys = ", ".join(f'"{key}"' for key in table.keys)
    said = f"{_content(columns)} AS _content, {_reply(table)} AS _reply"
    here = f'SELECT x.*, {_rank(table, "main")} AS _rank, {said} FROM "{table.name}" x'
    there = f"SELECT x.*, {_rank(table, source)} AS _rank, {said} FROM ({incoming}) x"
    sooner, later = ("h", "t") if table.latest else ("t", "h")
    return f"""SELECT {keys},
            CASE WHEN t._rank IS DISTINCT FROM h._rank THEN coalesce({sooner}._rank < {later}._rank, h._rank IS NULL)
                ELSE (t._content, t._reply) < (h._content, h._reply) END AS stands
        FROM ({here}) h JOIN ({there}) t USING ({keys})
        WHERE (t._content, t._reply) <> (h._content, h._reply)"""


def _rank(table: Table, place: str) -> str:
    return table.rank.replace("{place}", place)


def _reply(table: Table) -> str:
    """What settles a tie between rows that say the same of two replies: the replies. Both stand in the store by now."""
    if not table.read:
        return "''"
    version = "r.created_at || sha256(r.body) || r.run_id"
    return f"coalesce((SELECT {version} FROM replies r WHERE r.reply_id = x.reply_id), '')"


def _content(columns: Sequence[str]) -> str:
    """The digest of all that a row `x` says, but for the name of its reply, which a merge may change."""
    named = ", ".join(f"'{column}': x.\"{column}\"" for column in columns if column != "reply_id")
    return f"sha256(to_json({{{named}}})::VARCHAR)"


def _columns(connection: Connection, table: str) -> list[str]:
    return [column for column, *_ in connection.execute(f'FROM "{table}" LIMIT 0').description or ()]


def _count(connection: Connection, statement: str) -> int:
    ((count,),) = connection.execute(statement).fetchall()
    return int(count)
