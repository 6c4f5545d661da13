"""Where the prompts, the sample suite and the first config are that ship with nextstep."""

from importlib import resources
from pathlib import Path

from nextstep.errors import UsageError


def bundled(name: str) -> Path:
    """The folder `prompts` or `transcripts`, or the file evals.yaml, that ships with nextstep.

    It stands once, at the top of the repository; a wheel carries a copy inside the package.
    """
    package = Path(str(resources.files("nextstep")))
    for place in (package / "_data" / name, package.parent.parent / name):
        if place.exists():
            return place
    raise UsageError(f"this installation of nextstep lacks its {name}; install it again")
