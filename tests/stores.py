"""Stores filled by hand: judged pairs of any shape, without a model or a run."""

import atexit
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from nextstep.core.records import Choice
from nextstep.pipeline.score import Contest, score
from nextstep.store import Connection
from nextstep.store.connecting import in_memory
from nextstep.store.database import insert, migrate, query

SUITE = "suite"
LONG_AGO = datetime(2025, 1, 1, 12)  # noqa: DTZ001 - as the store keeps times


@dataclass(frozen=True)
class Pair:
    """A moment's sample as judged: what the judge chose with the model's step first, and with it second."""

    session: int = 0
    moment: int = 0
    set: str = "detour"
    sample: int = 0
    first: Choice | None = Choice.MODEL
    """None: not judged in this order."""
    second: Choice | None = Choice.MODEL
    words: int = 10
    human_words: int = 10
    shortened: bool = False
    judge_shortened: bool = False

    @property
    def moment_id(self) -> str:
        """Moments of one number in two sessions or sets are two."""
        return f"{self.set}-{self.session}-{self.moment}"


@cache
def _migrated() -> Connection:
    held = ExitStack()
    atexit.register(held.close)
    connection = held.enter_context(in_memory())
    migrate(connection, version=0)
    return connection


@contextmanager
def empty_store() -> Iterator[Connection]:
    """A migrated store in memory: the same one each time, and what was done to it undone at the end."""
    connection = _migrated()
    connection.begin()
    try:
        yield connection
    finally:
        connection.rollback()


def contest(candidate: str = "cand", judge: str = "judge", **more: Any) -> Contest:
    """The contest that `fill` writes for these."""
    fixed = {"models": (candidate, judge), "proposal_prompt_hash": "p", "verdict_prompt_hash": "v"}
    return Contest(candidate=candidate, judge=judge, **(fixed | more))


def fill(
    connection: Connection, pairs: Iterable[Pair], of: Contest | None = None, *, way_hash: str | None = "w"
) -> None:
    """Add pairs of a contest with all that belongs to them; what is there already stays as it is."""
    of, pairs = of or contest(), list(pairs)
    insert(connection, "sessions", [_session(pair) for pair in pairs])
    insert(connection, "moments", [_moment(pair) for pair in pairs])
    insert(connection, "suites", [{"suite_hash": SUITE, "moment_id": pair.moment_id} for pair in pairs])
    insert(connection, "asked", [_asked(pair, of) for pair in pairs])
    insert(connection, "proposals", [_proposal(pair, of) for pair in pairs])
    insert(connection, "replies", [_reply(model) for model in of.models])
    insert(connection, "verdicts", [v | {"way_hash": way_hash} for pair in pairs for v in _verdicts(pair, of)])


def scored(pairs: Iterable[Pair], of: Contest | None = None, **more: Any) -> dict[str, dict[str, Any]]:
    """The win-rate rows of pairs in a store of their own, by set."""
    with empty_store() as connection:
        fill(connection, pairs, of)
        return by_set(score(connection, SUITE, [of or contest()], **more))


def by_set(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Rows of one candidate and judge by their set."""
    assert len({(row["candidate"], row["judge"]) for row in rows}) <= 1
    return {row["set"]: row for row in rows}


def stored(connection: Connection) -> list[dict[str, Any]]:
    """The win rates that the store has."""
    return query(connection, "win_rates_of", suite_hash=SUITE)


def _session(pair: Pair) -> dict[str, Any]:
    name = f"s{pair.session}"
    more = {"source": "test", "sha256": "0", "title": "", "n_events": 9}
    return {"session_id": name, "name": name, "started_at": LONG_AGO + timedelta(days=pair.session)} | more


def _moment(pair: Pair) -> dict[str, Any]:
    return {
        "moment_id": pair.moment_id,
        "session_id": f"s{pair.session}",
        "cut": pair.moment,
        "set": pair.set,
        "human_step": "word " * pair.human_words,
        "status": "accepted",
        "tags": [f"t{pair.moment % 2}"],
        "why": "",
        "recovered_at": pair.moment + 1,
        "resolution": "",
    }


def _asked(pair: Pair, of: Contest) -> dict[str, Any]:
    fixed = {"candidate": of.candidate, "prompt_hash": of.proposal_prompt_hash}
    return fixed | {"moment_id": pair.moment_id, "sample": pair.sample}


def proposal_id(pair: Pair, of: Contest) -> str:
    """The id that `fill` gives a pair's proposal."""
    return f"{of.candidate}:{of.proposal_prompt_hash}:{pair.moment_id}:{pair.sample}"


def _proposal(pair: Pair, of: Contest) -> dict[str, Any]:
    text = {"text": "word " * pair.words, "n_words": pair.words, "in_band": True, "shortened": pair.shortened}
    name = {"proposal_id": proposal_id(pair, of), "reply_id": f"by-{of.models[0]}", "created_at": LONG_AGO}
    return _asked(pair, of) | text | name


def _reply(model: str) -> dict[str, Any]:
    more = {"run_id": "r", "purpose": "judge", "sample": 0, "request_sha256": "0", "body": "{}"}
    last = {"stop_reason": "end_turn", "latency_s": 0.0, "attempts": 1, "created_at": LONG_AGO}
    return {"reply_id": f"by-{model}", "model": model} | more | last


def _verdicts(pair: Pair, of: Contest) -> list[dict[str, Any]]:
    proposal = proposal_id(pair, of)
    return [
        {
            "verdict_id": f"{proposal}:{of.judge}:{of.verdict_prompt_hash}:{order}",
            "proposal_id": proposal,
            "judge": of.judge,
            "order": order,
            "choice": str(choice),
            "strength": 1,
            "reason": "",
            "shortened": pair.judge_shortened,
            "prompt_hash": of.verdict_prompt_hash,
            "reply_id": f"by-{of.models[1]}",
            "created_at": LONG_AGO,
        }
        for order, choice in (("model_first", pair.first), ("human_first", pair.second))
        if choice
    ]


def rewrite(pair: Pair, words: int, digest: str = "f") -> dict[str, Any]:
    """A row of `rewrites`: the human's step of a pair in one form."""
    name = {"rewrite_id": f"{digest}-{pair.moment_id}", "moment_id": pair.moment_id, "kind": "form"}
    more = {"scribe": f"scribe-{digest}", "source_hash": "0", "text": f"{digest} step", "n_words": words}
    last = {"in_band": True, "shortened": False, "prompt_hash": digest, "reply_id": "x", "created_at": LONG_AGO}
    return name | more | last


def failure(pair: Pair, of: Contest, stage: str, kind: str = "unreadable") -> dict[str, Any]:
    """A row of `failures` for a pair at a stage."""
    judged = stage == "judge"
    digest = {"propose": of.proposal_prompt_hash, "judge": of.verdict_prompt_hash, "scribe": of.scribe_hash}[stage]
    return {
        "failure_id": f"{stage}:{kind}:{pair.moment_id}:{pair.sample}",
        "run_id": "r",
        "stage": stage,
        "moment_id": pair.moment_id,
        "candidate": "" if stage == "scribe" else of.candidate,
        "sample": 0 if stage == "scribe" else pair.sample,
        "proposal_id": proposal_id(pair, of) if judged else None,
        "judge": of.judge if judged else None,
        "order": "model_first" if judged else None,
        "model": "x",
        "kind": kind,
        "message": "",
        "attempts": 1,
        "prompt_hash": digest,
        "reply_id": "x",
        "created_at": LONG_AGO,
    }


def pair_lists(most: int = 14) -> st.SearchStrategy[list[Pair]]:
    """Lists of judged pairs over a few sessions and both sets, every (moment, sample) once, samples without gaps."""
    choices = st.sampled_from(Choice)
    shapes = st.tuples(st.integers(0, 4), st.integers(0, 2), st.sampled_from(["detour", "control"]))
    judged = st.builds(Pair, first=choices, second=choices, words=st.integers(1, 30), judge_shortened=st.booleans())
    return st.lists(st.tuples(shapes, judged), min_size=1, max_size=most).map(_numbered)


def _numbered(drawn: Sequence[tuple[tuple[int, int, str], Pair]]) -> list[Pair]:
    pairs: list[Pair] = []
    for (session, moment, set_name), judged in drawn:
        pair = replace(judged, session=session, moment=moment, set=set_name, human_words=5 + 7 * moment)
        sample = sum(pair.moment_id == other.moment_id for other in pairs)
        pairs.append(replace(pair, sample=sample))
    return pairs
