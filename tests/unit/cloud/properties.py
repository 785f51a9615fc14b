"""A security property: a row that says what an input of every resource of a type must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from tests.unit.recording.recorder import Recording

Check = Callable[[Any], bool]


class Same:
    """Dev may not relax this."""


SAME: Final = Same()


@dataclass(frozen=True, kw_only=True)
class Row:
    """One property of every resource of a type."""

    reference: str
    type: str
    """The last part of the resource's type."""
    path: str
    """Path in the inputs."""
    prod: object
    """The value, or a function that checks a value."""
    dev: object = SAME
    """Likewise; None is absent."""


def at_least(least: int) -> Check:
    return lambda value: isinstance(value, int) and value >= least


def is_set(value: object) -> bool:
    return value not in (None, "", [], {})


def rows(reference: str, type_: str, *found: tuple[str, object] | tuple[str, object, object]) -> list[Row]:
    return [
        Row(reference=reference, type=type_, path=row[0], prod=row[1], dev=row[2] if len(row) > 2 else SAME)
        for row in found
    ]


def at(value: Any, path: str) -> Any:
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def broken(recording: Recording, rows: Iterable[Row], *, relaxed: bool) -> list[str]:
    offenders = []
    for row in rows:
        wanted = row.dev if relaxed and row.dev is not SAME else row.prod
        found = recording.of_cloud(row.type)
        assert found, f"{row.reference}: no {row.type}"
        for resource in found:
            value = at(resource.plain, row.path)
            if not (wanted(value) if callable(wanted) else value == wanted):
                offenders.append(f"{row.reference}: {resource.name}: {row.path} is {value!r}")
    return offenders
