"""DNS names outside the cluster for which the lab has stand-ins; the node's DNS answers them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from lab.lock import locked
from lab.node.instance import Instance

_SECONDS_TO_LIVE: Final = 1


@dataclass(frozen=True)
class Names:
    """The DNS zone of all names outside the cluster. Each name has an owner and is removed with its owner."""

    instance: Instance

    @property
    def zone(self) -> Path:
        """The zone file; the DNS server reloads it when its serial number changes."""
        return self.instance.folder / "outside.zone"

    def give(self, owner: str, names: Mapping[str, str]) -> None:
        """Replace the owner's names (name: IPv4 address).

        A name may begin with `*.`. Without names the owner is removed.
        """
        with locked(self._record.with_suffix(".lock")):
            state = self._state()
            normalised = {name.rstrip(".").lower(): address for name, address in names.items()}
            if state["owners"].get(owner, {}) == normalised:
                return
            owners = {**state["owners"], owner: normalised}
            if not normalised:
                del owners[owner]
            state = {"serial": state["serial"] + 1, "owners": owners}
            _replace(self._record, json.dumps(state, indent=2))
            _replace(self.zone, _zone(state))

    def withdraw(self, owner: str) -> None:
        """Remove an owner's names."""
        self.give(owner, {})

    def publish(self) -> Path:
        """Write the zone file unless it exists, and return its path."""
        if not self.zone.exists():
            _replace(self.zone, _zone(self._state()))
        return self.zone

    def _state(self) -> dict[str, Any]:
        return dict(json.loads(self._record.read_text())) if self._record.exists() else {"serial": 1, "owners": {}}

    @property
    def _record(self) -> Path:
        return self.instance.folder / "names.json"


def _zone(state: Mapping[str, Any]) -> str:
    # The last number limits how long resolvers cache "no such name".
    lines = [f". {_SECONDS_TO_LIVE} IN SOA node.lab. nobody.lab. {state['serial']} 60 60 3600 {_SECONDS_TO_LIVE}"]
    for names in state["owners"].values():
        lines += [f"{name}. {_SECONDS_TO_LIVE} IN A {address}" for name, address in names.items()]
    return "\n".join([*lines, ""])


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text)
    partial.rename(path)
