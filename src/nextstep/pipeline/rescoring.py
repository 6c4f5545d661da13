"""Every estimate that a store has, worked out anew from the answers that it holds now."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from nextstep.config import Control, JudgeSettings
from nextstep.pipeline.health import Asked, Scope, store_card
from nextstep.pipeline.juries import self_preference, strongest
from nextstep.pipeline.score import Contest, score
from nextstep.store import Connection
from nextstep.store.database import query, utc_now

Row = Mapping[str, Any]
Models = Mapping[tuple[str, str, str], str]
"""By role, name and prompt_hash: the model that was asked."""


@dataclass(frozen=True)
class _Settings:
    """What of a run's config an estimate depends on."""

    band: tuple[float, float] | None
    cutoffs: Mapping[str, date]


def rescore(connection: Connection) -> int:
    """Work out the win rates, the agreement and the cards that the store has; gives the number of rows.

    With the band for controls and the training cutoffs of the last run over the suite that named who is concerned.
    """
    since = utc_now()
    rows = 0
    models = {(row["role"], row["name"], row["prompt_hash"]): row["model"] for row in query(connection, "models_asked")}
    for held in query(connection, "contests_held"):
        judges = [(one["judge"], one["prompt_hash"]) for one in held["jury"] or ()]
        group = [_contest(held, *judge, models) for judge in judges or [(held["judge"], held["verdict_prompt_hash"])]]
        settings = _settings(connection, held["suite_hash"], (held["candidate"], *(one.judge for one in group)))
        scored = score(connection, held["suite_hash"], group, band=settings.band, cutoffs=settings.cutoffs)
        rows += sum(bool(row["jury"]) == bool(judges) for row in scored)
    for forget in ("forget_win_rates", "forget_agreement"):
        query(connection, forget, since=since)
    return rows + sum(len(_card(connection, held, models)) for held in query(connection, "cards_held"))


def _contest(held: Row, judge: str, verdict_prompt_hash: str, models: Models) -> Contest:
    """A contest under one judge; who never answered is called by its name."""
    candidate, proposal_prompt_hash = held["candidate"], held["proposal_prompt_hash"]
    asked = (
        models.get(("candidate", candidate, proposal_prompt_hash), candidate),
        models.get(("judge", judge, verdict_prompt_hash), judge),
    )
    alike = (held["scribe_hash"], held["asked_hash"], held["way_hash"])
    return Contest(candidate, judge, asked, proposal_prompt_hash, verdict_prompt_hash, *alike)


def _settings(connection: Connection, suite_hash: str, names: Iterable[str]) -> _Settings:
    """Those of the last run over a suite whose config has all these names; of the last one where none has."""
    configs = [json.loads(row["config"]) for row in query(connection, "configs_of", suite_hash=suite_hash)]
    wanted = set(names)
    fitting = (config for config in configs if wanted <= _names(config))
    config = next(fitting, configs[0] if configs else {})
    band = config.get("control", {}).get("band")
    cutoffs = {name: date.fromisoformat(day) for name, day in config.get("cutoffs", {}).items()}
    return _Settings(tuple(band) if band else None, cutoffs)


def _names(config: Mapping[str, Any]) -> set[str]:
    some = (*config.get("candidates", ()), *config.get("judges", ()))
    return {one.get("name") or one["model"] for one in some}


def _card(connection: Connection, held: Row, models: Models) -> list[dict[str, Any]]:
    suite_hash, judge, prompt_hash = held["suite_hash"], held["judge"], held["prompt_hash"]
    moments = [row["moment_id"] for row in query(connection, "moments_of", suite_hash=suite_hash)]
    asked = {"suite_hash": suite_hash, "judge": judge, "prompt_hash": prompt_hash}
    probes = [row["probe_id"] for row in query(connection, "probes_counted", **asked)]
    model = JudgeSettings(model=models.get(("judge", judge, prompt_hash), judge), name=judge)
    biases = [
        row
        for row in self_preference(connection, suite_hash)
        if (row["judge"], row["prompt_hash"]) == (judge, prompt_hash)
    ]
    return store_card(
        connection,
        Scope(suite_hash, moments, probes),
        Asked(model, prompt_hash, held["guess_hash"] or _only_guess(connection, suite_hash, judge)),
        _settings(connection, suite_hash, [judge]).band or Control().band,
        strongest(biases),
    )


def _only_guess(connection: Connection, suite_hash: str, judge: str) -> str:
    """How a judge guessed, where an earlier nextstep did not say and there is one way alone; nothing otherwise."""
    rows = query(connection, "guess_hashes_of", suite_hash=suite_hash, judge=judge)
    return str(rows[0]["prompt_hash"]) if len(rows) == 1 else ""
