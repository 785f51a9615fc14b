"""Errors of the day-2 commands."""

from __future__ import annotations


def error_line(said: str, otherwise: str) -> str:
    """The line of a program's messages that names its error, else the last line, else `otherwise`."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return next((line for line in lines if "error:" in line), lines[-1] if lines else otherwise)


class OperationError(Exception):
    """A command cannot run. The message gives the reason and the remedy."""
