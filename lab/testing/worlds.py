"""Simulated clouds for tests: an inventory filled by the test, and the node's services that read it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from lab.clouds.inventory import Inventory, Item
from lab.services.standins import StandIns


@dataclass(frozen=True)
class Worlds:
    """An inventory that tests fill and the node's services read."""

    services: StandIns

    @property
    def inventory(self) -> Inventory:
        return self.services.inventory

    def hold(self, kind: str, item_id: str, *, outputs: dict[str, Any] | None = None, **inputs: Any) -> None:
        """Add a resource to the inventory, or replace it."""
        with self.inventory.changing() as world:
            item = Item(kind, item_id, "", inputs, {"name": inputs.get("name", item_id), **(outputs or {})})
            item.names = [*filter(None, [str(inputs.get("name", "")), str((outputs or {}).get("name", ""))])]
            item.created = time.time()
            world.add(item)

    def drop(self, kind: str, item_id: str) -> None:
        with self.inventory.changing() as world:
            world.items.pop(f"{kind}|{item_id}", None)

    def remember(self, subject: str, facts: dict[str, Any]) -> None:
        with self.inventory.changing() as world:
            world.facts[subject] = facts
