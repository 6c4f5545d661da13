"""The files of a new project."""

import json
from pathlib import Path

from nextstep.bundled import bundled
from nextstep.config import EvalConfig
from nextstep.errors import UsageError

SCHEMA = "evals.schema.json"
SAMPLE_SESSIONS = 2
"""Sessions of the bundled suite that a new project starts with."""


def write_project(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write a project's files; gives the paths written, and those kept because they were there."""
    config = {Path("evals.yaml"): bundled("evals.yaml").read_text(encoding="utf-8"), Path(SCHEMA): config_schema()}
    files = {**config, **_prompts(), **_sample_suite()}
    written, kept = [], []
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
            written.append(path)
        except FileExistsError:
            kept.append(path)
        except OSError as error:
            raise UsageError(f"{path}: cannot be written ({error.strerror})") from error
    return written, kept


def config_schema() -> str:
    """The JSON Schema of evals.yaml, for editors."""
    return json.dumps(EvalConfig.model_json_schema(), indent=2) + "\n"


def _prompts() -> dict[Path, str]:
    return {Path("prompts") / path.name: path.read_text(encoding="utf-8") for path in bundled("prompts").glob("*.md")}


def _sample_suite() -> dict[Path, str]:
    """The first sessions of the bundled suite with their moments."""
    source, target = bundled("transcripts"), Path("transcripts")
    paths = sorted((source / "sessions").glob("*.jsonl"))[:SAMPLE_SESSIONS]
    names = {path.stem for path in paths}
    lines = (source / "moments.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    moments = "".join(line for line in lines if json.loads(line)["session"] in names)
    sessions = {target / "sessions" / path.name: path.read_text(encoding="utf-8") for path in paths}
    return sessions | {target / "moments.jsonl": moments}
