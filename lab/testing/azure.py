"""The simulated Azure without an engine, with its examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import pytest

from lab.clouds.azure.provider import AzureProvider
from lab.engine.provider_values import is_secret
from lab.testing.azure_examples import EXAMPLES, SUBSCRIPTION
from lab.testing.cloud_plugin import Made, Plugin, plugin
from lab.testing.cloud_program import declared

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
    "vault": ("group",),
    "disk": ("group",),
    "workspace": ("group",),
    "audit": ("cluster", "workspace"),
    "deployment": ("cluster",),
}
"""The resources that an example depends on."""


class Azure:
    """A simulated Azure in which examples are created with their dependencies."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.made: dict[str, Made] = {}

    def needs(self, name: str) -> None:
        """Create the dependencies of an example."""
        for other in NEEDS.get(name, ()):
            if other not in self.made:
                self.make(other)

    def make(self, name: str, **changes: Any) -> Made:
        """Create an example and its dependencies."""
        self.needs(name)
        self.made[name] = self.another(name, **changes)
        return self.made[name]

    def another(self, name: str, **changes: Any) -> Made:
        """Create another resource of an example's type."""
        return self.plugin.create(token_of(name), inputs(name, **changes), name.replace(" ", "-"))

    def refused(self, name: str, **changes: Any) -> str:
        """The error message when an example cannot be created; its dependencies exist."""
        self.needs(name)
        return self.plugin.refused(self.another, name, **changes)

    def faults(self, name: str, **changes: Any) -> dict[str, str]:
        """What Check objects to."""
        return self.plugin.faults(token_of(name), inputs(name, **changes))

    def changes(self, name: str, **changes: Any) -> dict[str, str]:
        """The planned effect of a change of an example."""
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
        """The ids of all existing resources."""
        return {item.id for item in self.plugin.inventory.read().items.values()}


def token_of(name: str) -> str:
    """The type token of an example."""
    return f"azure-native:{EXAMPLES[name][0]}"


def inputs(name: str, **changes: Any) -> dict[str, Any]:
    """The inputs of an example, changed at paths with __ for a dot; None removes an input."""
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


def resources(*names: str, **more: dict[str, Any]) -> dict[str, Any]:
    """The examples with these names and all that they need, as resources of a program."""
    wanted: list[str] = []

    def need(name: str) -> None:
        for other in NEEDS.get(name, ()):
            need(other)
        if name not in wanted:
            wanted.append(name)

    for name in names:
        need(name)
    found = {name: declared(token_of(name), _sealed(inputs(name)), after=NEEDS.get(name, ())) for name in wanted}
    return {**found, **more}


def _sealed(values: Any) -> Any:
    if is_secret(values):
        return {"$secret": values["value"]}
    if isinstance(values, dict):
        return {key: _sealed(value) for key, value in values.items()}
    return [_sealed(value) for value in values] if isinstance(values, list) else values


@pytest.fixture
def azure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Azure]:
    """An empty subscription."""
    for made in plugin(AzureProvider, tmp_path, monkeypatch, {"subscriptionId": SUBSCRIPTION}):
        yield Azure(made)
