"""The error class of the lab, and its report on a command line."""

from __future__ import annotations

import sys
from collections.abc import Callable


class LabError(Exception):
    """A failure of the lab: one sentence with the cause, and the remedy.

    The command line prints it without a traceback and exits with 1.
    """

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())


def run_command_line(command: Callable[[], object]) -> None:
    """Run a command line. A LabError is printed as one line, without a traceback."""
    try:
        command()
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
