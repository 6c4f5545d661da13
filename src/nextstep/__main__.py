"""`python -m nextstep`."""

from nextstep.cli import run

run()
