"""What a preview of one changed setting comes to, as a value: the tables state it, and a run of the engine tells it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from lab.engine.stack import Run
from tests.engine.cloud_stacks import CloudLife
from tests.engine.program_stacks import done

PROTECTED: Final = re.compile(r'resource "urn:[^"]*::([^":]+)"')


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The engine would do this, by logical names without the stack's own; without names, nothing at all."""

    creates: Set[str] = frozenset()
    updates: Set[str] = frozenset()
    replaces: Set[str] = frozenset()
    deletes: Set[str] = frozenset()

    def __or__(self, other: Changes) -> Changes:
        """Both."""
        return Changes(
            creates=self.creates | other.creates,
            updates=self.updates | other.updates,
            replaces=self.replaces | other.replaces,
            deletes=self.deletes | other.deletes,
        )


@dataclass(frozen=True)
class Refused:
    """The settings refuse the value with a message that holds this text."""

    text: str


@dataclass(frozen=True)
class Protected:
    """Protection refuses to delete or replace these; a preview tells one of them at least."""

    names: Set[str]


@dataclass(frozen=True)
class Failed:
    """The preview failed for another reason, which no table expects."""

    text: str


Effect = Changes | Refused | Protected | Failed


@dataclass(frozen=True)
class Flip:
    """Another value of a setting, and its effect."""

    value: Any
    effect: Effect


Flips = Mapping[str, Flip]
"""By key."""


def effect(life: CloudLife, run: Run) -> Effect:
    """The result of a preview."""
    said = [line.strip() for message in run.messages() for line in message.splitlines()]
    if refusals := [line for line in said if line.startswith("airflow:")]:
        return Refused("\n".join(refusals))
    if kept := {name for message in run.messages() if "protect" in message for name in PROTECTED.findall(message)}:
        return Protected({_short(life, name) for name in kept})
    if run.code != 0:
        return Failed("\n".join(said))
    found = {op: {_short(life, name) for name in names} for op, names in done(run).items()}
    assert found.keys() <= {"create", "update", "replace", "delete"}, found
    return Changes(
        creates=found.get("create", set()),
        updates=found.get("update", set()),
        replaces=found.get("replace", set()),
        deletes=found.get("delete", set()),
    )


def _short(life: CloudLife, name: str) -> str:
    return name.removeprefix(f"{life.name}-")
