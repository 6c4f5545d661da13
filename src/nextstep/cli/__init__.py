"""The command line: parse, call one function, print, exit."""


def main() -> None:
    """Run `nextstep`."""
    from nextstep.cli.app import app

    app()
