"""The command line `apollo-dse`: one file a command, nothing heavy imported before a command needs it."""

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: the words behind the program's name; `sys.argv[1:]` if None.

    Returns:
        0 for success, 1 for a defect of this program, 2 for bad input, 3 for a simulator that only fails, 130
        for an interrupt, 141 for a reader that hung up.
    """
    from apollo_dse.cli.app import run

    return run(argv)
