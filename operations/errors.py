"""Errors of the commands."""

from __future__ import annotations


class OperationError(Exception):
    """A command cannot run; the message says why, and what to do."""
