"""A listing of the simulated clouds for users."""

from __future__ import annotations

import time
from collections.abc import Iterator

from lab.clouds.inventory import Inventory
from lab.clouds.journal import Journal


def lines(calls: int = 0, inventory: Inventory | None = None) -> Iterator[str]:
    """One line for each item, blocked names, and the last calls."""
    inventory = inventory or Inventory.default()
    world = inventory.read()
    for item in sorted(world.items.values(), key=lambda item: (item.type, item.id)):
        notes = [note for note, true in (("not ready", not item.ready), ("abandoned", item.abandoned)) if true]
        yield f"{item.type}  {item.id}" + (f"  ({', '.join(notes)})" if notes else "")
    yield f"{len(world.items)} things in the simulated clouds ({inventory.path})"
    blocked = sorted(name for name, until in world.facts.get("blocked", {}).items() if until > time.time())
    if blocked:
        yield f"not to be used again yet: {', '.join(blocked)}"
    for call in Journal(inventory.folder).calls()[-calls:] if calls else ():
        moment = time.strftime("%H:%M:%S", time.localtime(call.started))
        yield f"{moment}  {call.op}  {call.type}  {call.name or call.id}  {call.outcome.strip().rpartition(chr(10))[2]}"
