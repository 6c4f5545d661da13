"""Lists in pages, as the API gives them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multidict import MultiMapping

LONGEST = 1000


def page(ids: Sequence[str], query: "MultiMapping[str]") -> tuple[Sequence[str], bool]:
    """Those of the ids, in their order, that a query asks for, and whether there are more in its direction."""
    limit = int(query.get("limit", 20))
    if not 1 <= limit <= LONGEST:
        raise ValueError(f"limit: Input should be between 1 and {LONGEST}")
    if (after := query.get("after_id")) in ids:
        ids = ids[ids.index(after) + 1 :]
    before = query.get("before_id")
    if before in ids:
        ids = ids[: ids.index(before)]
    return ids[-limit:] if before else ids[:limit], len(ids) > limit


def listing(shown: Sequence[Mapping[str, Any]], has_more: bool) -> dict[str, Any]:
    """A page as JSON."""
    ends = [shown[0]["id"], shown[-1]["id"]] if shown else [None, None]
    return {"data": shown, "has_more": has_more, "first_id": ends[0], "last_id": ends[1]}
