"""The inventory of the simulated clouds: one file in a folder, shared by all processes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.engine.provider_diff import path_of
from lab.lock import locked
from lab.paths import state_dir

FOLDER_VARIABLE = "LAB_CLOUDS"
"""Environment variable with the folder; default: `clouds` in the lab's state folder."""


@dataclass
class Item:
    """One resource in the cloud."""

    type: str
    id: str
    urn: str
    """Logical name of the resource; "" for resources that the cloud created itself."""
    inputs: dict[str, Any]
    """Its current state in the form of inputs, without values that a cloud never returns."""
    outputs: dict[str, Any]
    names: list[str] = field(default_factory=list)
    """All names besides the id by which other resources refer to it."""
    uses: dict[str, str] = field(default_factory=dict)
    """Keys of the items that it refers to, each with `holds` (they cannot be deleted before it), `goes_with` (it is
    deleted with them) or `ignores` (no effect)."""
    created: float = 0.0
    ready: float = 0.0
    """Time when it is ready, in seconds since the epoch."""
    unsettled: int = 0
    """Number of further lookups that miss it, because it has not propagated everywhere."""
    abandoned: bool = False
    """Whether the stack removed it from state without deleting it."""

    @property
    def key(self) -> str:
        """Its unique key."""
        return f"{self.type}|{self.id}"

    def called(self, name: str) -> bool:
        """Whether a text refers to this item; ids of Azure are not case-sensitive."""
        if name.startswith("/subscriptions/"):
            return name.casefold() in (each.casefold() for each in (self.id, *self.names))
        return name == self.id or name in self.names


@dataclass
class World:
    """All resources of the simulated clouds, and facts that outlive them."""

    items: dict[str, Item] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Facts by subject: blocked names, enabled APIs, counters, …"""

    def add(self, item: Item) -> None:
        """Add or update an item."""
        self.items[item.key] = item

    def get(self, kind: str, resource_id: str) -> Item | None:
        """The item of a type with this id."""
        return self.items.get(f"{kind}|{resource_id}")

    def find(self, kinds: str | Iterable[str], name: str) -> Item | None:
        """The item of one of the types that a text refers to, settled or not."""
        wanted = {kinds} if isinstance(kinds, str) else set(kinds)
        return next((item for item in self.items.values() if item.type in wanted and item.called(name)), None)

    def of(self, *kinds: str) -> list[Item]:
        """All items of these types."""
        return [item for item in self.items.values() if item.type in kinds]

    def users(self, item: Item, *ways: str) -> list[Item]:
        """The items that refer to an item in one of these ways."""
        return [other for other in self.items.values() if other.uses.get(item.key) in ways]

    def remove(self, item: Item) -> list[Item]:
        """Delete an item and everything that is deleted with it. Returns the deleted items, itself first."""
        gone = [item]
        del self.items[item.key]
        for other in self.users(item, "goes_with"):
            if other.key in self.items:
                gone += self.remove(other)
        return gone

    def block(self, name: str, seconds: float) -> None:
        """Block a name from being used again for some time."""
        self.facts.setdefault("blocked", {})[name] = time.time() + seconds

    def blocked(self, name: str) -> bool:
        """Whether a name is still blocked."""
        return float(self.facts.get("blocked", {}).get(name, 0)) > time.time()

    def count(self, what: str) -> int:
        """The number of calls with the same words, including this one."""
        counters = self.facts.setdefault("counters", {})
        counters[what] = int(counters.get(what, 0)) + 1
        return int(counters[what])


@dataclass(frozen=True)
class Inventory:
    """The folder of the simulated clouds."""

    folder: Path

    @classmethod
    def default(cls) -> Inventory:
        """The folder in LAB_CLOUDS, or the lab's default folder."""
        return cls(Path(os.environ.get(FOLDER_VARIABLE) or state_dir() / "clouds"))

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / "inventory.json"

    def read(self) -> World:
        """The current world."""
        return _world(self._content())

    @contextmanager
    def changing(self) -> Iterator[World]:
        """Exclusive access to the world; its state at the end is stored unless the block raises."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with locked(self.folder / "inventory.lock"):
            before = self._content()
            world = _world(before)
            yield world
            after = _text(world)
            if after != before:
                self._write(after)

    def drift(self, key: str, path: str, value: Any) -> None:
        """Change an item outside the stack, like an autoscaler, an upgrade or a user.

        `key` is the item's key or its id; `path` is a property path; both its inputs and outputs change.
        """
        with self.changing() as world:
            item = next(item for item in world.items.values() if key in (item.key, item.id))
            for properties in (item.inputs, item.outputs):
                _set(properties, path, value)

    def forget(self, key: str) -> None:
        """Delete an item outside the stack, with everything that is deleted with it."""
        with self.changing() as world:
            world.remove(next(item for item in world.items.values() if key in (item.key, item.id)))

    def _content(self) -> str:
        try:
            return self.path.read_text()
        except FileNotFoundError:
            return ""

    def _write(self, text: str) -> None:
        partial = self.path.with_suffix(f".{os.getpid()}.partial")
        partial.touch(mode=0o600)
        partial.write_text(text)
        partial.rename(self.path)


def _world(text: str) -> World:
    if not text:
        return World()
    found = json.loads(text)
    return World({key: Item(**item) for key, item in found["items"].items()}, found["facts"])


def _text(world: World) -> str:
    # One line for each item: indenting the whole file takes twenty times as long.
    items = ",\n".join(f"{json.dumps(key)}: {json.dumps(vars(item))}" for key, item in world.items.items())
    return f'{{"items": {{\n{items}\n}},\n"facts": {json.dumps(world.facts)}}}\n'


def _set(properties: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path_of(path)
    place: Any = properties
    for step in steps:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    place[last] = value
