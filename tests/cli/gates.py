"""A project in the folder that the program runs in, with a store whose verdicts a test sets."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from nextstep.pipeline.score import score
from nextstep.store import Store
from nextstep.store.database import insert, utc_now
from tests.builders import PROMPTS
from tests.cli.conftest import Cli
from tests.operating.projects import JUDGE, NEW, OLD, Project, Shape
from tests.operating.worlds import LOSS, WIN

CHECK = ("check", "--model", NEW, "--against", OLD, "--no-run")
Drawn = Sequence[int | None]


class GateProject:
    """One detour and one control in each of `sessions` sessions; equal models unless a test says otherwise."""

    def __init__(self, cli: Cli, sessions: int = 40, samples: int = 1) -> None:
        self.cli, self.sessions, self.samples = cli, sessions, samples
        self.folder = cli.folder / "project"
        self.folder.mkdir()
        self.project = Project(self.folder, Shape(sessions, sessions, samples), np.random.default_rng(1))
        (self.folder / "prompts").mkdir()
        for path in PROMPTS.glob("*.md"):
            (self.folder / "prompts" / path.name).write_text(path.read_text())
        self.configure()
        cli.monkeypatch.chdir(self.folder)
        self.give()

    @property
    def store(self) -> Store:
        return Store(self.folder.parent / "nextstep.duckdb")

    def configure(self, **more: Any) -> None:
        """Write evals.yaml with these keys as well."""
        models = [{"model": name, "samples": self.samples} for name in (NEW, OLD)]
        config = {"candidates": models, "judges": [JUDGE], "prompts": "prompts/", "store": "../nextstep.duckdb"}
        (self.folder / "evals.yaml").write_text(json.dumps(config | more))

    def give(
        self, new: Drawn | None = None, old: Drawn | None = None, controls: tuple[Drawn, Drawn] | None = None
    ) -> None:
        """Set the outcomes; of each a half wins unless told, and a fifth of the controls."""
        half = [WIN if i % 2 else LOSS for i in range(self.sessions * self.samples)]
        fifth = [WIN if i % 5 == 0 else LOSS for i in range(self.sessions)]
        new_controls, old_controls = controls or (fifth, fifth)
        self.project.give([*new_controls, *(new or half), *old_controls, *(old or half)])

    def score(self) -> None:
        """Store the win rates, as an evaluation does."""
        with self.store.write() as connection:
            score(connection, self.project.job.suite.suite_hash, self.project.job.contests())

    def card(self, trust: str | None, **more: Any) -> None:
        """Change the judge's card, or take it away."""
        with self.store.write() as connection:
            if trust is None:
                connection.execute("DELETE FROM judge_health")
            else:
                connection.execute("UPDATE judge_health SET trust = $trust", {"trust": trust})
            for column, value in more.items():
                connection.execute(
                    f"UPDATE judge_health SET {column} = $value WHERE probe = 'padded'", {"value": value}
                )

    def fail(self, count: int, candidate: str = NEW, set_name: str = "detour") -> None:
        """Make verdicts of so many moments failures."""
        contest = next(one for one in self.project.job.contests() if one.candidate == candidate)
        with self.store.write() as connection:
            found = connection.execute(
                "SELECT p.proposal_id, p.moment_id, p.sample FROM proposals p JOIN moments m USING (moment_id)"
                ' WHERE p.candidate = $candidate AND m."set" = $set AND p.sample = 0 ORDER BY ALL LIMIT $count',
                {"candidate": candidate, "set": set_name, "count": count},
            ).fetchall()
            for proposal_id, moment_id, sample in found:
                connection.execute("DELETE FROM verdicts WHERE proposal_id = $id", {"id": proposal_id})
                named = {"moment_id": moment_id, "sample": sample, "proposal_id": proposal_id, "candidate": candidate}
                fixed = {
                    "failure_id": f"f{proposal_id}",
                    "run_id": "r",
                    "stage": "judge",
                    "judge": JUDGE,
                    "order": "model_first",
                }
                more = {
                    "model": JUDGE,
                    "kind": "refusal",
                    "message": "",
                    "attempts": 1,
                    "reply_id": "r",
                    "created_at": utc_now(),
                }
                insert(connection, "failures", [named | fixed | more | {"prompt_hash": contest.verdict_prompt_hash}])

    def take_out(self, proposals: str) -> dict[str, list[Any]]:
        """Take samples and their verdicts out of the store, for proposals whose ids are like this; gives the rows."""
        rows = {}
        with self.store.write() as connection:
            for table in ("verdicts", "proposals", "asked"):
                named = "candidate || ':' || moment_id || ':' || sample" if table == "asked" else "proposal_id"
                where = f"{table} WHERE {named} LIKE '{proposals}'"
                rows[table] = connection.execute(f"FROM {where}").fetchall()
                connection.execute(f"DELETE FROM {where}")
        return rows

    def put_back(self, rows: dict[str, list[Any]]) -> None:
        """Put them in again."""
        with self.store.write() as connection:
            for table, some in rows.items():
                connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(some[0]))})", some)

    def check(self, *words: str, code: int) -> str:
        """What check prints without running."""
        return self.cli(*CHECK, *words, code=code)

    def rows(self, statement: str) -> list[Any]:
        with self.store.read() as connection:
            return connection.execute(statement).fetchall()


def flat(text: str) -> str:
    """A printed text on one line, however it was folded."""
    return " ".join(text.split())
