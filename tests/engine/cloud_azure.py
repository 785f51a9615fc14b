"""The simulated Azure without an engine, with its examples in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest
from azure_examples import EXAMPLES, SUBSCRIPTION
from cloud_plugin import Made, Plugin, plugin

from lab.clouds.azure.provider import AzureProvider

NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "vnet": ("group",),
    "rules": ("group",),
    "outbound": ("group",),
    "gateway": ("outbound",),
    "nodes": ("vnet", "rules", "gateway"),
    "database subnet": ("vnet",),
    "endpoints": ("vnet",),
    "zone": ("group",),
    "link": ("zone", "vnet"),
    "identity": ("group",),
    "cluster": ("nodes", "identity"),
    "pool": ("cluster",),
    "maintenance": ("cluster",),
    "server": ("database subnet", "link"),
    "database": ("server",),
    "parameter": ("server",),
    "account": ("nodes",),
    "blobs": ("account",),
    "container": ("account",),
    "expiry": ("account",),
    "files": ("group",),
    "share settings": ("files",),
    "share": ("files",),
    "endpoint": ("files", "endpoints"),
    "endpoint names": ("endpoint", "zone"),
    "role": ("container", "identity"),
    "federation": ("identity",),
    "registry": ("group",),
    "disk": ("group",),
    "workspace": ("group",),
    "audit": ("cluster", "workspace"),
    "deployment": ("cluster",),
}
"""What has to be there for an example."""


class Azure:
    """A simulated Azure in which examples are made with what they need."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.made: dict[str, Made] = {}

    def needs(self, name: str) -> None:
        """Make what an example needs."""
        for other in NEEDS.get(name, ()):
            if other not in self.made:
                self.make(other)

    def make(self, name: str, **changes: Any) -> Made:
        """Make an example, and what it needs."""
        self.needs(name)
        self.made[name] = self.another(name, **changes)
        return self.made[name]

    def another(self, name: str, **changes: Any) -> Made:
        """Make one more thing of an example's type."""
        return self.plugin.create(token_of(name), inputs(name, **changes), name.replace(" ", "-"))

    def refused(self, name: str, **changes: Any) -> str:
        """The words in which the creation of an example is refused; what it needs is there."""
        self.needs(name)
        return self.plugin.refused(self.another, name, **changes)

    def faults(self, name: str, **changes: Any) -> dict[str, str]:
        """What Check objects to."""
        return self.plugin.faults(token_of(name), inputs(name, **changes))

    def changes(self, name: str, **changes: Any) -> dict[str, str]:
        """What a change of an example means."""
        made = self.made.get(name) or self.make(name)
        return self.plugin.changes(made, inputs(name, **changes))

    def update(self, name: str, **changes: Any) -> Made:
        """Change an example in place."""
        made = self.made.get(name) or self.make(name)
        self.made[name] = self.plugin.update(made, inputs(name, **changes))
        return self.made[name]

    def delete(self, name: str) -> None:
        """Delete an example."""
        self.plugin.delete(self.made[name])
        del self.made[name]

    def ids(self) -> set[str]:
        """The ids of everything there is."""
        return {item.id for item in self.plugin.inventory.read().items.values()}


def token_of(name: str) -> str:
    """The type token of an example."""
    return f"azure-native:{EXAMPLES[name][0]}"


def inputs(name: str, **changes: Any) -> dict[str, Any]:
    """The inputs of an example, changed at paths with __ for a dot; None takes one away."""
    result = deepcopy(EXAMPLES[name][1])
    for path, value in changes.items():
        *steps, last = path.split("__")
        place: Any = result
        for step in steps:
            place = place[int(step)] if step.isdigit() else place.setdefault(step, {})
        if value is None:
            del place[last]
        else:
            place[last] = value
    return result


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """A subscription in which there is nothing."""
    for made in plugin(AzureProvider, tmp_path, monkeypatch, {"subscriptionId": SUBSCRIPTION}):
        yield Azure(made)
