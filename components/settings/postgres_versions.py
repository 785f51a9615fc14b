"""Major versions of PostgreSQL for the database server of a cloud."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

OLDEST: Final = 15
NEWEST: Final = 18
ENDED: Final = {11: "2023-11-09", 12: "2024-11-21", 13: "2025-11-13", 14: "2026-11-12"}
"""The day of a version's last release, https://www.postgresql.org/support/versioning/ (November 2026). The clouds still
offer such versions, with their own patches at an additional price."""


def _maintained(version: int) -> int:
    """The version, if it is still maintained and both clouds offer it.

    Raises:
        ValueError: it is not; "rule; remedy".
    """
    if (ended := ENDED.get(version)) is not None:
        raise ValueError(f"is a version whose support ended on {ended}; use {OLDEST} to {NEWEST}")
    if not OLDEST <= version <= NEWEST:
        raise ValueError(f"is not a version of PostgreSQL that the clouds offer; use {OLDEST} to {NEWEST}")
    return version


MajorVersion = Annotated[int, AfterValidator(_maintained), Field(title=f"{OLDEST} to {NEWEST}")]
