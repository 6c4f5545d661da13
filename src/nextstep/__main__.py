"""`python -m nextstep`."""

from nextstep.cli import main

main()
