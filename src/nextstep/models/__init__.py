"""Models behind one protocol: a server that speaks the Messages API, or the built-in offline ones."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nextstep.errors import UsageError

if TYPE_CHECKING:
    from nextstep.config import Endpoint, Limits
    from nextstep.models.base import Model
    from nextstep.models.pace import Slots


def is_offline(name: str) -> bool:
    """Whether the model runs here, costs nothing, and says nothing about any model."""
    return name.startswith("offline/")


def open_model(
    name: str, endpoints: Mapping[str, "Endpoint"], limits: "Limits", slots: "Slots | None" = None
) -> "Model":
    """The model of this name; models that are asked together share `slots`.

    Raises UsageError, naming what there is, when there is none.
    """
    prefix, slash, rest = name.partition("/")
    if is_offline(name):
        from nextstep.models.offline import open_offline

        return open_offline(rest)
    if slash and not rest:
        raise UsageError(f"{name!r} names no model after the slash")
    if slash and prefix in endpoints:
        from nextstep.models.messages_api import open_endpoint

        return open_endpoint(endpoints[prefix], limits, slots)
    if slash and prefix in ("bedrock", "vertex"):
        from nextstep.models.messages_api import open_cloud

        return open_cloud(prefix, limits, slots)
    if slash:
        known = ", ".join(sorted(endpoints)) or "none"
        raise UsageError(f"no endpoint is named {prefix!r} (in {name!r}); evals.yaml names: {known}")
    from nextstep.models.messages_api import open_anthropic

    return open_anthropic(limits, slots)
