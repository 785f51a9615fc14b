"""Errors of the day-2 commands."""

from __future__ import annotations


class OperationError(Exception):
    """A command cannot run. The message gives the reason and the remedy."""
