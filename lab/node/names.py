"""Names outside the cluster that the node's DNS answers: those that something on the node stands in for."""

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
    """The zone of all names that are not the cluster's; each name has an owner and goes with it."""

    instance: Instance

    @property
    def zone(self) -> Path:
        """What the DNS server reads, again whenever its serial number has changed."""
        return self.instance.folder / "outside.zone"

    def give(self, owner: str, names: Mapping[str, str]) -> None:
        """Let these names (name: IPv4 address) be answered in place of what the owner gave before.

        A name may begin with `*.`; without any names the owner is forgotten.
        """
        with locked(self._record.with_suffix(".lock")):
            state = self._state()
            given = {name.rstrip(".").lower(): address for name, address in names.items()}
            if state["owners"].get(owner, {}) == given:
                return
            owners = {**state["owners"], owner: given}
            if not given:
                del owners[owner]
            state = {"serial": state["serial"] + 1, "owners": owners}
            _replace(self._record, json.dumps(state, indent=2))
            _replace(self.zone, _zone(state))

    def withdraw(self, owner: str) -> None:
        """Forget what an owner gave."""
        self.give(owner, {})

    def publish(self) -> Path:
        """The zone file, written unless it is there."""
        if not self.zone.exists():
            _replace(self.zone, _zone(self._state()))
        return self.zone

    def _state(self) -> dict[str, Any]:
        return dict(json.loads(self._record.read_text())) if self._record.exists() else {"serial": 1, "owners": {}}

    @property
    def _record(self) -> Path:
        return self.instance.folder / "names.json"


def _zone(state: Mapping[str, Any]) -> str:
    # The last number is how long "no such name" may be remembered.
    lines = [f". {_SECONDS_TO_LIVE} IN SOA node.lab. nobody.lab. {state['serial']} 60 60 3600 {_SECONDS_TO_LIVE}"]
    for names in state["owners"].values():
        lines += [f"{name}. {_SECONDS_TO_LIVE} IN A {address}" for name, address in names.items()]
    return "\n".join([*lines, ""])


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text)
    partial.rename(path)
