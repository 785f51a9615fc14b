"""Errors of this package."""

from __future__ import annotations


class ProjectError(Exception):
    """A project, or a thing of a project, that the stack does not have."""
