"""The one error that the lab shows to a person."""

from __future__ import annotations


class LabError(Exception):
    """Something the lab cannot do, said in one sentence with what to do about it.

    The command line prints it without a traceback and exits with 1.
    """

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(f"{what} {remedy}".strip())
