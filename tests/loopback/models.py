"""What is known about model names: their limits, and what each of them refuses."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.loopback import paging

if TYPE_CHECKING:
    from multidict import MultiMapping

NEWEST = (99, 0)
"""The version of a name that is not understood: it is held to the newest models' rules."""

NAME = re.compile(r"claude-(?P<line>haiku|sonnet|opus|fable|mythos)-(?P<major>\d)(?:-(?P<minor>\d))?(?:-\d{8})?")
THINKING_TYPES = ("adaptive", "enabled", "disabled", "between_tools")
EFFORTS = ("low", "medium", "high", "xhigh", "max")
FULL_WINDOW = (1_000_000, 128_000)

TABLE = """
claude-fable-5-2            active      2026-11-09
claude-mythos-5-2           active      2026-11-09
claude-haiku-5-5            active      2026-10-07
claude-sonnet-5-5           active      2026-09-28
claude-opus-5-5             active      2026-09-22
claude-fable-5-1            active      2026-09-01
claude-mythos-5-1           active      2026-09-01
claude-opus-5               active      2026-07-24
claude-sonnet-5             active      2026-06-30
claude-fable-5              active      2026-06-09
claude-mythos-5             active      2026-06-09
claude-opus-4-8             active      1970-01-01
claude-opus-4-7             active      1970-01-01
claude-mythos-preview       deprecated  1970-01-01
claude-opus-4-6             active      1970-01-01
claude-sonnet-4-6           active      1970-01-01
claude-haiku-4-5            active      1970-01-01
claude-haiku-4-5-20251001   active      1970-01-01
claude-opus-4-5             active      1970-01-01
claude-opus-4-5-20251101    active      1970-01-01
claude-sonnet-4-5           deprecated  1970-01-01
claude-sonnet-4-5-20250929  deprecated  1970-01-01
claude-opus-4-1             retired     1970-01-01
claude-3-haiku-20240307     retired     1970-01-01
"""
"""Name, state, release as of November 2026, newest first; 1970-01-01 is the API's word for a date it does not know."""


@dataclass(frozen=True)
class Model:
    """A model name and what follows from it."""

    name: str
    line: str | None = None
    version: tuple[int, int] = NEWEST
    lifecycle: str = "active"
    released: str = "1970-01-01"

    @property
    def takes_prefill(self) -> bool:
        return self.version < (4, 6)

    @property
    def takes_sampling(self) -> bool:
        """Under an older `anthropic-version` only."""
        return self.version <= (4, 6)

    @property
    def takes_forced_tools(self) -> bool:
        first_without = {"opus": (5, 5), "sonnet": (5, 5), "fable": (5, 1), "mythos": (5, 1), "haiku": (6, 0)}
        return self.version < first_without.get(self.line or "", (0, 0))

    @property
    def takes_effort(self) -> bool:
        return not (self.version == (4, 5) and self.line in ("sonnet", "haiku"))

    @property
    def thinking(self) -> frozenset[str]:
        """The `thinking.type` values that it takes."""
        if self.version <= (4, 5):
            return frozenset({"enabled", "disabled"})
        if self.version == (4, 6):
            return frozenset({"adaptive", "enabled", "disabled"})
        if (self.line, self.version) == ("sonnet", (5, 5)):
            return frozenset({"adaptive", "between_tools"})
        always_on = self.line in (None, "fable", "mythos") or (self.line, self.version) == ("opus", (5, 5))
        return frozenset({"adaptive"}) if always_on else frozenset({"adaptive", "disabled"})

    @property
    def limits(self) -> tuple[int, int]:
        """The window and the longest answer, in tokens."""
        return (200_000, 64_000) if self.version <= (4, 5) else FULL_WINDOW

    def to_json(self) -> dict[str, Any]:
        """The model as the Models API shows it. Deprecation dates are left out."""
        window, longest = self.limits
        return {
            "type": "model",
            "id": self.name,
            "display_name": self.name.replace("-", " ").title(),
            "created_at": f"{self.released}T00:00:00Z",
            "line": self.line,
            "lifecycle": self.lifecycle,
            "deprecated_at": None,
            "retires_at": None,
            "max_input_tokens": window,
            "max_tokens": longest,
            "capabilities": self._capabilities(),
        }

    def _capabilities(self) -> dict[str, Any]:
        yes = {"supported": True}
        simple = ("batch", "citations", "code_execution", "image_input", "pdf_input", "structured_outputs")
        strategies = ("clear_thinking_20251015", "clear_tool_uses_20250919", "compact_20260112")
        efforts = {level: {"supported": self.takes_effort} for level in EFFORTS}
        types = {kind: {"supported": kind in self.thinking} for kind in THINKING_TYPES}
        return {
            **dict.fromkeys(simple, yes),
            "context_management": yes | dict.fromkeys(strategies, yes),
            "effort": {"supported": self.takes_effort, **efforts},
            "server_tools": yes | {"code_execution": yes, "web_search": yes},
            "thinking": {"supported": True, "types": types},
        }


def named(name: str, lifecycle: str = "active", released: str = "1970-01-01") -> Model:
    """The model of a name, read from the name alone."""
    match = NAME.fullmatch(name)
    if match is None:
        return Model(name, "mythos" if "mythos" in name else None, NEWEST, lifecycle, released)
    version = (int(match["major"]), int(match["minor"] or 0))
    return Model(name, match["line"], version, lifecycle, released)


MODELS = {row.split()[0]: named(*row.split()) for row in TABLE.strip().splitlines()}


def find(name: str) -> Model:
    """The model of a name; a name that is not in the table is taken for an active model."""
    return MODELS.get(name) or named(name)


def page(query: "MultiMapping[str]", hidden: Collection[str] = ()) -> dict[str, Any]:
    """The page of the models list that a query asks for, without the `hidden` names."""
    wanted = set(query.getall("lifecycle[]", [])) or {"active", "deprecated"}
    rows = [model for model in MODELS.values() if model.lifecycle in wanted and model.name not in hidden]
    shown, has_more = paging.page([model.name for model in rows], query)
    return paging.listing([MODELS[name].to_json() for name in shown], has_more)
