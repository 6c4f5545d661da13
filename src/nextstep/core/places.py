"""What names a suite: a folder's path, or a dataset on the Hub pinned at a revision."""

import re
from typing import NamedTuple

SCHEME = "hf://"
_PART = r"[A-Za-z0-9][\w.-]*"
_PINNED = re.compile(rf"({_PART}/{_PART})@({_PART})", re.ASCII)
_REPOSITORY = re.compile(rf"{_PART}/{_PART}", re.ASCII)


class HubPlace(NamedTuple):
    """A dataset on the Hub, and the commit or tag at which it is read."""

    repository: str
    revision: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}@{self.revision}"


def hub_place(text: str) -> HubPlace | None:
    """The place on the Hub that a suite's name means, None for a folder. Raises ValueError when it is not pinned."""
    if not text.lower().startswith(SCHEME):
        return None
    found = _PINNED.fullmatch(text[len(SCHEME) :])
    if not found:
        raise ValueError(
            "a suite on the Hub is hf://org/name@REVISION, with a commit or a tag as REVISION so that it cannot change;"
            " the dataset's page lists both under its history, and `hf datasets info org/name` prints the commit as sha"
        )
    return HubPlace(*found.groups())


def hub_repository(text: str) -> str:
    """The `org/name` that a push goes to. Raises ValueError for anything but hf://org/name."""
    name = text.removeprefix(SCHEME)
    if name == text or not _REPOSITORY.fullmatch(name):
        raise ValueError(f"a push goes to hf://org/name, without a revision; not to {text!r}")
    return name
