"""Stacks of the real program on simulated clouds: a stack file of the project, its own account, a shared cluster.

Every simulated cluster is the session's control plane, in which each stack has its own namespace.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from lab import simulation
from lab.clouds.backing import KUBECONFIG_VARIABLE
from lab.clouds.faults import FAULTS_VARIABLE
from lab.clouds.inventory import FOLDER_VARIABLE, Inventory, World
from lab.clouds.journal import Call, Journal
from lab.engine.toolchain import Toolchain
from lab.node.api import ApiError
from lab.paths import PROJECT
from lab.services import auth_plugins
from lab.stack_file import filled_in
from lab.testing.cluster import TestCluster
from tests.engine.program_stacks import Life, program

FILES: Final[Mapping[str, Path]] = {
    "dev": PROJECT / "Pulumi.dev.yaml",
    "prod": PROJECT / "Pulumi.prod.yaml",
    **{path.stem: path for path in sorted((PROJECT / "docs/stacks").glob("*.yaml"))},
}
"""Every stack file of a cloud, by the name of its life cycle."""
SPEED: Final = 600.0
"""Ten minutes of the latency table are one second: enough to observe parallel operations."""
REACH: Final = (KUBECONFIG_VARIABLE, auth_plugins.CONTROL_PLANE, "SSL_CERT_FILE")
"""Environment variables that are required to reach a cluster."""


def stack_config(name: str, **changes: Any) -> dict[str, Any]:
    """The config of a stack file in its own namespace; changes at paths, with __ for a dot, None removes."""
    found: dict[str, Any] = filled_in(yaml.safe_load(FILES[name].read_text())["config"])
    return altered({**found, "airflow:name": name, "airflow:namespace": name}, **changes)


def altered(config: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A config with changes at paths. A step `key[]` is the first entry of a list, and `*` the first one of a map."""
    result = deepcopy(dict(config))
    for path, value in changes.items():
        *steps, last = f"airflow:{path}".replace("[]", "__[]").split("__")
        place: Any = result
        for step in steps:
            if step == "*":
                place = next(iter(place.values()))
            else:
                place = place[0] if step == "[]" else place.setdefault(step, {})
        last = 0 if last == "[]" else last
        if value is None:
            del place[last]
        else:
            place[last] = value
    return result


@dataclass
class CloudLife(Life):
    """The record of one stack and of its cloud."""

    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The stack file's config at the beginning."""
    folder: Path = Path()
    """Folder of the inventory."""
    held: dict[str, World] = field(default_factory=dict[str, World])
    """The cloud's inventory after a step."""
    calls: dict[str, list[Call]] = field(default_factory=dict[str, list[Call]])
    """The calls to the cloud in a step."""
    left: list[Any] = field(default_factory=list[Any])
    """The state after the end."""
    admitted: dict[str, str] = field(default_factory=dict[str, str])
    """By namespace, the API server's refusal of a Gateway proxy's pod; "" means that it accepts it."""
    gateways: dict[str, str] = field(default_factory=dict[str, str])
    """The Gateways in the cluster: names to namespaces."""
    told: str = ""
    """The complete text of the journal."""

    @property
    def inventory(self) -> Inventory:
        """The cloud."""
        return Inventory(self.folder)

    @property
    def journal(self) -> Journal:
        """The calls to the cloud."""
        return Journal(self.folder)

    def run(self, step: str, command: str, *arguments: str) -> None:
        """The record of every stack, with the cloud's side."""
        before = len(self.journal.calls())
        super().run(step, command, *arguments)
        self.calls[step] = self.journal.calls()[before:]
        self.held[step] = self.inventory.read()

    def destroy_with_preview(self, step: str, *arguments: str) -> None:
        """Destroy like a user, without options."""
        before = len(self.journal.calls())
        self.runs[step] = self.stack.pulumi("destroy", "--yes", "--stack", self.stack.name, *arguments, check=False)
        self.calls[step] = self.journal.calls()[before:]
        self.held[step] = self.inventory.read()

    def with_config(self, config: Mapping[str, Any], name: str) -> tuple[str, str]:
        """Arguments that give one command this config."""
        return self.stack.configured(config, name)

    def plan(self, *faults: Mapping[str, Any]) -> None:
        """Request exactly these faults of the cloud."""
        (self.folder / "faults.json").write_text(json.dumps(faults))

    def item(self, kind: str) -> str:
        """The key of the only item of a type."""
        [found] = self.inventory.read().of(kind)
        return found.key

    def named(self, *parts: str) -> set[str]:
        """Logical names of this stack with the given suffixes."""
        return {f"{self.name}-{part}" for part in parts}

    def unreached(self) -> CloudLife:
        """The same stack without a cluster, and with login programs without logins."""
        programs = self.folder.parent / "logged-out"
        programs.mkdir()
        for name in ("gke-gcloud-auth-plugin", "kubelogin"):
            (programs / name).write_text("#!/bin/sh\necho 'log in first' >&2\nexit 1\n")
            (programs / name).chmod(0o755)
        path = os.pathsep.join([str(programs), *self.stack.environment["PATH"].split(os.pathsep)[1:]])
        left = {key: value for key, value in self.stack.environment.items() if key not in REACH}
        return replace(self, stack=replace(self.stack, environment={**left, "PATH": path}))


@dataclass(frozen=True)
class Clouds:
    """The environment of all life cycles on clouds."""

    cluster: TestCluster
    environment: Mapping[str, str]
    factory: pytest.TempPathFactory

    def admits(self, namespace: str, pod: Mapping[str, Any]) -> str:
        """The API server's refusal of a pod in a namespace."""
        try:
            self.cluster.api.request("POST", f"/api/v1/namespaces/{namespace}/pods?dryRun=All", pod)
        except ApiError as error:
            return str(error)
        return ""

    def gateways(self) -> dict[str, str]:
        """The Gateways in the cluster: names to namespaces."""
        found = self.cluster.api.get("/apis/gateway.networking.k8s.io/v1/gateways")
        return {each["metadata"]["name"]: each["metadata"]["namespace"] for each in found["items"]}

    def born(self, name: str, **changes: Any) -> CloudLife:
        """A stack of a stack file, in an empty cloud."""
        folder = self.factory.mktemp(name)
        cloud = folder / "cloud"
        cloud.mkdir()
        wanted = stack_config(name, **changes)
        own = {FOLDER_VARIABLE: str(cloud), FAULTS_VARIABLE: str(cloud / "faults.json")}
        stack = program(folder, {**self.environment, **own}, wanted)
        life = CloudLife(name, stack, config=wanted, folder=cloud)
        life.plan()
        return life


def furnished(cluster: TestCluster, tools: Toolchain, folder: Path, python: Mapping[str, str]) -> dict[str, str]:
    """The environment of stacks whose simulated clusters are this one, which is prepared like such clusters.

    `python` are variables that select the Python of programs and plugins.
    """
    return {**simulation.variables(cluster.plane, tools, folder, speed=str(SPEED)), **python}


def waited_for(exported: str, kind: str) -> set[str]:
    """The types of all resources that the engine creates before the only resource of a type."""
    resources = {found["urn"]: found for found in json.loads(exported)["deployment"]["resources"]}
    ahead = [urn for urn, found in resources.items() if found["type"].endswith(kind)]
    assert len(ahead) == 1, ahead
    seen: set[str] = set()
    while ahead:
        for urn in resources[ahead.pop()].get("dependencies", []):
            if urn not in seen:
                seen.add(urn)
                ahead.append(urn)
    return {resources[urn]["type"] for urn in seen}
