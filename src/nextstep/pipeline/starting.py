"""The files of a new project."""

import json
from pathlib import Path

from nextstep.bundled import bundled
from nextstep.config import EvalConfig
from nextstep.errors import UsageError

EVALS_YAML = """\
# yaml-language-server: $schema=evals.schema.json
suite: transcripts/          # sessions and moments
store: nextstep.duckdb       # every reply, verdict and win rate
prompts: prompts/
candidates:
  - offline/continue         # put models here, such as claude-opus-5-5
  - offline/question
judges: [offline/lexical]    # a real evaluation needs a real judge
limits: {max_connections: 16, ask_above_usd: 1}
# endpoints:
#   local: {base_url: "http://127.0.0.1:8080", api_key_env: LOCAL_KEY}   # then use local/MODEL
"""

SAMPLE_SESSIONS = 2
"""Sessions of the bundled suite that a new project starts with."""


def write_project(folder: Path) -> tuple[list[Path], list[Path]]:
    """Write a project's files; gives the paths written, and those kept because they were there."""
    schema = json.dumps(EvalConfig.model_json_schema(), indent=2) + "\n"
    files = {Path("evals.yaml"): EVALS_YAML, Path("evals.schema.json"): schema, **_prompts(), **_sample_suite()}
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
