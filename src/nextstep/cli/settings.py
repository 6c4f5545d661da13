"""Flags over evals.yaml over defaults: what a command works with."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nextstep.errors import UsageError

if TYPE_CHECKING:
    from nextstep.config import EvalConfig
    from nextstep.core.records import MomentSet
    from nextstep.core.shards import Shard


@dataclass(frozen=True)
class Setup:
    """A resolved config with its places on disk."""

    config: "EvalConfig"
    place: str
    """Of the suite: a folder of text files, a dataset's folder, or hf://org/name@REVISION."""
    store: Path
    prompts: Path

    @property
    def suite(self) -> Path:
        """The suite's folder of text files, to write to. Raises UsageError for a dataset, which is only read."""
        from nextstep.sources.dataset.files import text_folder

        return text_folder(self.place)


def set_up(
    config_path: Path | None = None,
    *,
    store: Path | None = None,
    suite: str | None = None,
    models: Sequence[str] | None = None,
    judges: Sequence[str] | None = None,
    samples: int | None = None,
    max_connections: int | None = None,
    max_cost: float | None = None,
) -> Setup:
    """Read the config and lay the flags over it. Paths in the file are relative to it, flags to the current folder."""
    from nextstep.bundled import bundled
    from nextstep.config import DEFAULT_PATH, EvalConfig, load_config

    path = config_path or DEFAULT_PATH
    config = load_config(path) if config_path or path.exists() else EvalConfig()
    values = config.model_dump()
    if suite:
        values["suite"] = suite
    if models:
        values["candidates"] = [_settings(model, values["candidates"]) for model in models]
    if judges:
        values["judges"] = [_settings(judge, values["judges"]) for judge in judges]
    if samples is not None:
        values["candidates"] = [candidate | {"samples": samples} for candidate in values["candidates"]]
    for name, value in (("max_connections", max_connections), ("max_cost_usd", max_cost)):
        if value is not None:
            values["limits"][name] = value
    resolved = _validated(values)
    prompts = path.parent / config.prompts
    if "prompts" not in config.model_fields_set and not prompts.is_dir():
        prompts = bundled("prompts")
    return Setup(
        resolved,
        place=suite or _beside(path, config.suite),
        store=store or path.parent / config.store,
        prompts=prompts,
    )


def _beside(path: Path, suite: str) -> str:
    """The suite that a config file names: a folder is meant from where the file stands."""
    from nextstep.core.places import hub_place

    return suite if hub_place(suite) else str(path.parent / suite)


def _settings(name: str, known: Sequence[dict[str, object]]) -> dict[str, object]:
    """The settings of a model named by a flag: those of evals.yaml where it names the same, else the defaults."""
    return next((entry for entry in known if name in (entry["name"], entry["model"])), {"model": name})


def _validated(values: dict[str, object]) -> "EvalConfig":
    from pydantic import ValidationError

    from nextstep.config import EvalConfig

    try:
        return EvalConfig.model_validate(values)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors(include_url=False)]
        raise UsageError("a flag does not fit: " + "; ".join(told)) from error


def moment_set(name: str | None) -> "MomentSet | None":
    """The set that --set names."""
    from nextstep.core.records import MomentSet

    if name is None or name in list(MomentSet):
        return MomentSet(name) if name else None
    raise UsageError(f"--set is detour or control, not {name!r}")


def the_shard(text: str | None) -> "Shard | None":
    """The shard that --shard names."""
    from nextstep.core.shards import Shard

    try:
        return None if text is None else Shard.parse(text)
    except ValueError as error:
        raise UsageError(f"--shard: {error}") from error
