"""Stacks of the real program over simulated clouds: a stack file of the project, an account of its own, one cluster.

Every simulated cluster is the session's control plane, in which each stack has a namespace of its own.
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
from cluster_fixture import TestCluster
from program_stacks import Life, program

from lab.clouds.backing import KUBECONFIG_VARIABLE
from lab.clouds.faults import FAULTS_VARIABLE
from lab.clouds.inventory import FOLDER_VARIABLE, Inventory, World
from lab.clouds.journal import Call, Journal
from lab.clouds.latency import SPEED_VARIABLE
from lab.engine.environment import environment
from lab.engine.toolchain import Toolchain
from lab.node.api import ApiError
from lab.node.certificates import Authority
from lab.paths import PROJECT
from lab.services import auth_plugins
from lab.services import cluster as managed
from lab.stack_file import filled_in

FILES: Final[Mapping[str, Path]] = {
    "dev": PROJECT / "Pulumi.dev.yaml",
    "prod": PROJECT / "Pulumi.prod.yaml",
    **{path.stem: path for path in sorted((PROJECT / "docs/stacks").glob("*.yaml"))},
}
"""Every stack file of a cloud, by the name that its life has."""
SPEED: Final = 600.0
"""Ten minutes of the latency table are a second: enough for what runs at the same time to be seen doing so."""
REACH: Final = (KUBECONFIG_VARIABLE, auth_plugins.CONTROL_PLANE, "SSL_CERT_FILE")
"""Variables without which no cluster is in reach."""


def stack_config(name: str, **changes: Any) -> dict[str, Any]:
    """The config of a stack file, in a namespace of its own; changes at paths, with __ for a dot, None takes away."""
    found: dict[str, Any] = filled_in(yaml.safe_load(FILES[name].read_text())["config"])
    return altered({**found, "airflow:name": name, "airflow:namespace": name}, **changes)


def altered(config: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A config with changes at paths."""
    result = deepcopy(dict(config))
    for path, value in changes.items():
        *steps, last = f"airflow:{path}".split("__")
        place = result
        for step in steps:
            place = place.setdefault(step, {})
        if value is None:
            del place[last]
        else:
            place[last] = value
    return result


@dataclass
class CloudLife(Life):
    """What happened to one stack, and to the cloud below it."""

    config: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The stack file's, as the life began."""
    folder: Path = Path()
    """The inventory's."""
    held: dict[str, World] = field(default_factory=dict[str, World])
    """What the cloud held after a step."""
    calls: dict[str, list[Call]] = field(default_factory=dict[str, list[Call]])
    """What the cloud was asked in a step."""
    left: list[Any] = field(default_factory=list[Any])
    """What the state held after the end."""
    admitted: dict[str, str] = field(default_factory=dict[str, str])
    """By namespace, why the API server would not take the pod of a Gateway's proxy; "" is that it would."""
    gateways: dict[str, str] = field(default_factory=dict[str, str])
    """The Gateways in the cluster: names to namespaces."""
    told: str = ""
    """The whole journal, as it is written."""

    @property
    def inventory(self) -> Inventory:
        """The cloud."""
        return Inventory(self.folder)

    @property
    def journal(self) -> Journal:
        """What the cloud was asked."""
        return Journal(self.folder)

    def run(self, step: str, command: str, *arguments: str) -> None:
        """As of every life, with the cloud's side of it."""
        before = len(self.journal.calls())
        super().run(step, command, *arguments)
        self.calls[step] = self.journal.calls()[before:]
        self.held[step] = self.inventory.read()

    def destroy_with_preview(self, step: str, *arguments: str) -> None:
        """Destroy as people do, who ask for no shortcut."""
        before = len(self.journal.calls())
        self.runs[step] = self.stack.pulumi("destroy", "--yes", "--stack", self.stack.name, *arguments, check=False)
        self.calls[step] = self.journal.calls()[before:]
        self.held[step] = self.inventory.read()

    def with_config(self, config: Mapping[str, Any], name: str) -> tuple[str, str]:
        """Arguments that give one command this config."""
        return self.stack.configured(config, name)

    def plan(self, *faults: Mapping[str, Any]) -> None:
        """Ask the cloud for these faults, and no others."""
        (self.folder / "faults.json").write_text(json.dumps(faults))

    def item(self, kind: str) -> str:
        """The key of the one item of a type."""
        [found] = self.inventory.read().of(kind)
        return found.key

    def named(self, *parts: str) -> set[str]:
        """Logical names: those of this stack for the given ends."""
        return {f"{self.name}-{part}" for part in parts}

    def unreached(self) -> CloudLife:
        """The same stack where there is no cluster, and programs to log in to one that nobody has logged in by."""
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
    """What all lives on clouds are lived in."""

    cluster: TestCluster
    environment: Mapping[str, str]
    factory: pytest.TempPathFactory

    def admits(self, namespace: str, pod: Mapping[str, Any]) -> str:
        """What the API server would say against a pod in a namespace."""
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
        """A stack of a stack file, in a cloud that holds nothing."""
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
    """The environment of stacks whose simulated clusters are this one, which gets what such clusters bring along.

    `python` are the variables that name what runs their programs and plugins.
    """
    plane = cluster.plane
    authority = Authority(plane.folder / "pki")
    # What Google's clusters have is more than what Azure's have, and nobody minds.
    managed.furnish(cluster.api, "gcp", "", "")
    auth_plugins.install(folder / "bin")
    found = environment(state=folder / "pulumi", tools=tools, simulated_clouds=True, engine_log=False)
    return {
        **found,
        **python,
        "PATH": os.pathsep.join([str(folder / "bin"), found["PATH"]]),
        SPEED_VARIABLE: str(SPEED),
        KUBECONFIG_VARIABLE: str(plane.kubeconfig),
        auth_plugins.CONTROL_PLANE: str(plane.folder),
        # What a pipeline's login is told, for those stacks that log in by one.
        "AZURE_CLIENT_ID": "00000000-0000-0000-0000-000000000001",
        "AZURE_FEDERATED_TOKEN_FILE": str(folder / "token"),
        # A cluster's DNS endpoint has a certificate of a public authority.
        "SSL_CERT_FILE": str(authority.certificate),
    }


def waited_for(exported: str, kind: str) -> set[str]:
    """The types of all that the engine makes before the one resource of a type."""
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
