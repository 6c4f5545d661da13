"""Would this model have chosen a better next step than the human did? This package answers that.

    import nextstep

    done = nextstep.evaluate("claude-opus-5-5", judges="claude-opus-5-5", max_cost_usd=20)
    done.win_rates.to_pandas()

    nextstep.check("claude-opus-5-5", against="claude-opus-5").verdict

    with nextstep.open_store("nextstep.duckdb") as store:
        store.sql("SELECT candidate, win_rate FROM win_rates").to_pandas()

Importing does no work: each name is loaded when it is first used.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nextstep.api.comparing import Check, Comparison, check, compare
    from nextstep.api.evaluating import Evaluation, evaluate
    from nextstep.api.stores import OpenStore, open_store
    from nextstep.errors import NextstepError

__version__ = "0.1.0"

__all__ = [
    "Check",
    "Comparison",
    "Evaluation",
    "NextstepError",
    "OpenStore",
    "__version__",
    "check",
    "compare",
    "evaluate",
    "open_store",
]

_PLACES = {
    "check": "nextstep.api.comparing",
    "Check": "nextstep.api.comparing",
    "compare": "nextstep.api.comparing",
    "Comparison": "nextstep.api.comparing",
    "evaluate": "nextstep.api.evaluating",
    "Evaluation": "nextstep.api.evaluating",
    "open_store": "nextstep.api.stores",
    "OpenStore": "nextstep.api.stores",
    "NextstepError": "nextstep.errors",
}
"""Where each public name is; the same names stand in `__all__` and, for type checkers, in the imports above."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    from importlib import import_module

    if name not in _PLACES:
        raise AttributeError(f"module 'nextstep' has no attribute {name!r}")
    value = getattr(import_module(_PLACES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names too."""
    return sorted({*globals(), *__all__})
