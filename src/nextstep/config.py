"""evals.yaml -> EvalConfig, with every problem of the file told at once, each with its line.

`load_config` reads the file; flags of a command are laid over it. Nothing here reads the
environment or opens a store.
"""

import re
import reprlib
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from nextstep.core.places import hub_place
from nextstep.core.records import MomentSet
from nextstep.errors import ConfigError

DEFAULT_PATH = Path("evals.yaml")


class Settings(BaseModel):
    """Base of the config's sections: immutable, and no key but its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")


Effort = Literal["low", "medium", "high", "xhigh", "max"]


def _model_name(value: str) -> str:
    if not value.strip() or any(c.isspace() for c in value):
        raise ValueError("a model's name has no spaces, for example claude-opus-5-5 or offline/continue")
    return value


class ModelSettings(Settings):
    """A model with the parameters that shape its answers. A bare string in the file is a model with defaults."""

    model: Annotated[str, AfterValidator(_model_name)]
    max_tokens: Annotated[int, Field(gt=0, le=128_000)] = 16_000
    """Room for the answer and for the model's thinking, which counts in it."""
    max_input_tokens: Annotated[int, Field(ge=2_000, le=100_000_000)] = 180_000
    """Longer trajectories are shortened to this (estimated) size, with visible marks."""
    effort: Effort | None = None
    name: str | None = None
    """What the results call it; the model's name unless said otherwise."""

    @property
    def label(self) -> str:
        """The name under which results are stored and shown."""
        return self.name or self.model

    def parameters(self) -> dict[str, Any]:
        """What shapes the model's answers, for ids: neither its label nor the number of samples."""
        return self.model_dump(exclude={"samples", "name"})


class CandidateSettings(ModelSettings):
    """A candidate: a model, and how many proposals a moment gets."""

    samples: Annotated[int, Field(gt=0, le=100)] = 1


class JudgeSettings(ModelSettings):
    """A judge."""


AnyModel = TypeVar("AnyModel", bound=ModelSettings)


def _bare_model(value: Any) -> Any:
    return {"model": value} if isinstance(value, str) else value


def _distinct_labels(models: tuple[AnyModel, ...]) -> tuple[AnyModel, ...]:
    labels = [model.label for model in models]
    for label in labels:
        if labels.count(label) > 1:
            raise ValueError(f"{label!r} stands {labels.count(label)} times; give each a `name` of its own")
    return models


class ScribeSettings(ModelSettings):
    """The model that brings the human's steps into the one form."""


JURY = "jury"
"""What results call several judges together."""


def _judge_labels(judges: tuple[JudgeSettings, ...]) -> tuple[JudgeSettings, ...]:
    if any(judge.label == JURY for judge in judges):
        raise ValueError(f"{JURY!r} is what results call several judges together; give this one another `name`")
    return _distinct_labels(judges)


class Judging(Settings):
    """How a pair of steps is put before the judge."""

    orders: Literal["both"] = "both"
    same_form: bool = True
    """Ask candidates for steps in one form, and have a scribe bring the human's into it."""
    scribe: Annotated[ScribeSettings | None, BeforeValidator(_bare_model, str | ScribeSettings)] = None
    """Who does; the first judge's model unless said otherwise. What any scribe wrote is used again."""
    hide_decision: bool = True
    """Mark the decision point in the trajectory instead of repeating the human's words there."""


def _band(value: tuple[float, float]) -> tuple[float, float]:
    if not 0 <= value[0] < value[1] <= 1:
        raise ValueError("a band is two shares of 1, the lower one first, such as [0.05, 0.35]")
    return value


class Control(Settings):
    """What the control set must show for a judge to be trusted."""

    band: Annotated[tuple[float, float], AfterValidator(_band)] = (0.05, 0.35)
    """Where the win rate on controls, of which the human chose well, should lie."""


def _distinct_sets(sets: tuple[MomentSet, ...]) -> tuple[MomentSet, ...]:
    if not sets or len(set(sets)) < len(sets):
        raise ValueError("name the sets that must not get worse, each once, such as [detour]")
    return sets


class Gate(Settings):
    """What `nextstep check` decides by. It is recorded before any score is read, and no flag changes it."""

    margin: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.10
    """How much lower than the old model's the new one's win rate may be, as a share of 1."""
    alpha: Annotated[float, Field(gt=0, lt=0.5, allow_inf_nan=False)] = 0.05
    """The chance of a wrong PASS that is accepted where the new model is worse by the margin; one-sided."""
    sets: Annotated[tuple[MomentSet, ...], AfterValidator(_distinct_sets)] = (MomentSet.DETOUR,)
    """The sets that must not get worse; the controls also say whether the judge can be trusted."""


Dollars = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Limits(Settings):
    """Bounds on what a run may use."""

    max_connections: Annotated[int, Field(gt=0, le=1000)] = 64
    max_cost_usd: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    ask_above_usd: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 1.0
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 900.0
    """Seconds until one try of a call is given up, all of its answer included."""
    attempts: Annotated[int, Field(gt=0, le=20)] = 8
    """Tries of one call; with their waits, eight outlast a server that is out of order for a minute."""


def _base_url(value: str) -> str:
    if not re.fullmatch(r"https?://[^\s/@]+(/[^\s@]*)?", value):
        raise ValueError("a base_url is http(s)://host[:port][/path], without a user or a key in it")
    if value.rstrip("/").endswith("/v1"):
        raise ValueError("leave out the /v1 at the end: it is added to every request")
    return value.rstrip("/")


class Endpoint(Settings):
    """A server that speaks the Messages API, named `NAME` and used as `NAME/model`."""

    base_url: Annotated[str, AfterValidator(_base_url)]
    api_key_env: str | None = None
    """The environment variable that holds its key; a server without keys needs none."""


class Price(Settings):
    """What a model costs, in US dollars per million tokens: instead of what nextstep knows of it."""

    input: Dollars
    output: Dollars
    cache_read: Dollars | None = None
    """A tenth of `input` unless said otherwise."""
    cache_write: Dollars | None = None
    """For five minutes; 1.25 times `input` unless said otherwise. For an hour, 1.6 times this."""
    as_of: date
    """When this was looked up."""

    @property
    def read(self) -> float:
        """Of tokens that come from a cache."""
        return self.input / 10 if self.cache_read is None else self.cache_read

    @property
    def write(self) -> float:
        """Of tokens that go into a cache for five minutes."""
        return self.input * 1.25 if self.cache_write is None else self.cache_write


RESERVED_ENDPOINTS = frozenset({"offline", "bedrock", "vertex"})


def _endpoint_names(endpoints: dict[str, Endpoint]) -> dict[str, Endpoint]:
    for name in endpoints:
        if name in RESERVED_ENDPOINTS or "/" in name or not name:
            raise ValueError(f"{name!r} cannot name an endpoint; {', '.join(sorted(RESERVED_ENDPOINTS))} are taken")
    return endpoints


def _suite_place(value: str) -> str:
    hub_place(value)
    return value


class EvalConfig(Settings):
    """Everything that a run depends on and that a user may set."""

    suite: Annotated[str, AfterValidator(_suite_place)] = "transcripts/"
    """A folder of text files, the folder of a dataset, or a dataset on the Hub at a commit or tag."""
    store: str = "nextstep.duckdb"
    prompts: str = "prompts/"
    candidates: Annotated[
        tuple[Annotated[CandidateSettings, BeforeValidator(_bare_model, str | CandidateSettings)], ...],
        AfterValidator(_distinct_labels),
    ] = ()
    judges: Annotated[
        tuple[Annotated[JudgeSettings, BeforeValidator(_bare_model, str | JudgeSettings)], ...],
        AfterValidator(_judge_labels),
    ] = ()
    judging: Judging = Judging()
    control: Control = Control()
    gate: Gate = Gate()
    limits: Limits = Limits()
    endpoints: Annotated[dict[str, Endpoint], AfterValidator(_endpoint_names)] = {}
    prices: dict[str, Price] = {}
    """What models cost, by their names here: instead of what nextstep knows of them."""
    cutoffs: dict[str, date] = {}
    """Until when a model's training data go, by its name: instead of what nextstep knows of it."""


def load_config(path: Path) -> EvalConfig:
    """The config in a YAML file. Raises ConfigError with every problem as `file:line: text`."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read ({error.strerror}); `nextstep init` writes one"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: is not UTF-8 text (byte {error.start})"]) from error
    return parse_config(text, str(path))


def parse_config(text: str, name: str = "evals.yaml") -> EvalConfig:
    """The config in YAML text; `name` is the file's name in error messages."""
    try:
        loader = _Loader(text)
        node = loader.whole_node()
        if node is None or (isinstance(node, yaml.ScalarNode) and not node.value):
            return EvalConfig()
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError([f"{name}:1: must be a mapping of keys to values, such as `suite: transcripts/`"])
        lines: dict[Place, int] = {}
        problems = _walk(node, (), lines, set())
        values = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError([f"{name}:{line}: is not valid YAML: {error.problem}"]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError([f"{name}:{line}: is not valid YAML: {error.reason} ({error.character:#06x})"]) from error
    except RecursionError as error:
        raise ConfigError([f"{name}: is nested too deeply"]) from error
    try:
        config = EvalConfig.model_validate(values)
    except ValidationError as error:
        problems += [_problem(detail, lines) for detail in error.errors(include_url=False)]
    if problems:
        raise ConfigError([f"{name}:{line}: {problem}" for line, problem in sorted(set(problems))])
    return config


Place = tuple[str, ...]
"""Where something stands in the file: its keys and its positions in lists, from the top."""


class _Loader(yaml.SafeLoader):
    """The safe loader, with a line for everything that cannot be read: PyYAML lets errors of all kinds through."""

    def whole_node(self) -> yaml.Node | None:
        """The document's node; None when there is none."""
        try:
            return self.get_single_node()
        except (ValueError, ArithmeticError) as error:
            raise yaml.scanner.ScannerError(None, None, str(error), self.get_mark()) from error

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            value = super().construct_object(node, deep)
            if isinstance(value, str):
                value.encode()  # refuses half a surrogate, which no file and no database takes
            return value
        except (ValueError, ArithmeticError, LookupError, AttributeError, TypeError) as error:
            problem = f"a value cannot be read ({error})"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from error


def _walk(node: yaml.Node, place: Place, lines: dict[Place, int], seen: set[int]) -> list[tuple[int, str]]:
    """Fill `lines` with the line of every key and item; give the keys that stand twice.

    What an alias repeats is not entered again, so that neither a loop nor a bomb of aliases is ever unrolled.
    """
    lines[place] = node.start_mark.line + 1
    doubles: list[tuple[int, str]] = []
    if id(node) in seen:
        return doubles
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*place, str(key.value))
            if inner in lines:
                text = f"`{key.value}` stands twice; the first is on line {lines[inner]}"
                doubles.append((key.start_mark.line + 1, text))
                for known in [known for known in lines if known[: len(inner)] == inner]:
                    del lines[known]
            doubles += _walk(value, inner, lines, seen)
            lines[inner] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for i, value in enumerate(node.value):
            doubles += _walk(value, (*place, str(i)), lines, seen)
    return doubles


_MAPPING = "must be a mapping of keys to values"
_PLAIN = {"model_type": _MAPPING, "dict_type": _MAPPING, "tuple_type": "must be a list"}
"""Complaints of pydantic in the words of the file."""


def _problem(detail: Any, lines: dict[Place, int]) -> tuple[int, str]:
    """One of pydantic's complaints as a line number and a sentence."""
    location = tuple(map(str, detail["loc"]))
    known = location
    while known and known not in lines:
        known = known[:-1]
    where = ".".join(location)
    if detail["type"] == "extra_forbidden":
        text = f"unknown key `{where}`{_nearest(location)}"
    elif detail["input"] is None and detail["type"] != "invalid_key":
        text = f"`{where}` has no value; give it one or leave the key out"
    else:
        complaint = _PLAIN.get(detail["type"], detail["msg"].removeprefix("Value error, "))
        text = f"`{where}`: {complaint} (got {_brief(detail['input'])})"
    return lines[known], text


def _brief(value: Any) -> str:
    """The start of a value's spelling, however large, deep or looped it is."""
    brief = reprlib.Repr()
    brief.maxlevel, brief.maxstring, brief.maxother = 2, 60, 60
    try:
        return f"{brief.repr(value):.60}"
    except ValueError:
        return "a number of more digits than Python spells out"


def _nearest(location: Place) -> str:
    known = _known_keys(location[:-1])
    close = get_close_matches(location[-1], known, n=1, cutoff=0.5)
    return f"; did you mean `{close[0]}`?" if close else f"; known here: {', '.join(known)}"


def _known_keys(section: Place) -> list[str]:
    """The keys that the section of the config at this place takes."""
    sections: dict[str, type[BaseModel]] = {
        "candidates": CandidateSettings,
        "judges": JudgeSettings,
        "judging": Judging,
        "control": Control,
        "gate": Gate,
        "limits": Limits,
        "endpoints": Endpoint,
        "prices": Price,
    }
    if section[:2] == ("judging", "scribe"):
        return list(ScribeSettings.model_fields)
    return list((sections[section[0]] if section else EvalConfig).model_fields)
