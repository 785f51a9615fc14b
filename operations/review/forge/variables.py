"""Variables that a forge sets for its jobs."""

from __future__ import annotations

from collections.abc import Mapping

from operations.errors import OperationError


def required(environment: Mapping[str, str], name: str, remedy: str) -> str:
    """The value of a variable.

    Raises:
        OperationError: it is missing or empty.
    """
    value = environment.get(name, "")
    if not value:
        raise OperationError(f"The variable {name} is not set; {remedy}.")
    return value
