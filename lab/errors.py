"""The error class of the lab."""

from __future__ import annotations


class LabError(Exception):
    """A failure of the lab: one sentence with the cause, and the remedy.

    The command line prints it without a traceback and exits with 1.
    """

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
