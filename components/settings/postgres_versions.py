"""The major versions of PostgreSQL that a server of a cloud may have."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field

OLDEST: Final = 15
NEWEST: Final = 18
ENDED: Final = {11: "2023-11-09", 12: "2024-11-21", 13: "2025-11-13", 14: "2026-11-12"}
"""The day of a version's last release, https://www.postgresql.org/support/versioning/ (November 2026). The clouds go on
selling such a version, with patches of their own at a price of their own."""


def _maintained(version: int) -> int:
    """The version, if PostgreSQL's own developers mend it and both clouds have it.

    Raises:
        ValueError: they do not; "rule; remedy".
    """
    if (ended := ENDED.get(version)) is not None:
        raise ValueError(f"is a version whose support ended on {ended}; use {OLDEST} to {NEWEST}")
    if not OLDEST <= version <= NEWEST:
        raise ValueError(f"is not a version of PostgreSQL that can be had; use {OLDEST} to {NEWEST}")
    return version


MajorVersion = Annotated[int, AfterValidator(_maintained), Field(title=f"{OLDEST} to {NEWEST}")]
