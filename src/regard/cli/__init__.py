"""The same verbs as in Python, typed at a prompt."""


def main() -> None:
    """Run the command line; the entry point `regard`."""
    from regard.cli.app import run

    run()
