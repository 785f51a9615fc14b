"""Disks and shares of a cloud with the real controllers: binding, replacement and release."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from lab.node.api import Manifest
from lab.paths import PROJECT
from lab.testing.cluster import TestCluster, path
from tests.engine.program_stacks import RecordedStack, config, done, program

NAMESPACE: Final = "shares"
PROGRAM: Final = """\
import runpy
from dataclasses import replace
from unittest import mock

import pulumi

from components import cloud
from components.contract.cloud import StaticVolume

provision = cloud.provision


def with_static_volumes(settings, requirements):
    place = provision(settings, requirements)
    volumes = {{
        use: replace(
            volume,
            storage_class=None,
            static=StaticVolume(
                driver="disk.example.org",
                handle=pulumi.Output.from_input(f"{disks}/{{use}}"),
                credentials={{"key": pulumi.Output.secret("a key")}} if use == "logs" else None,
            ),
        )
        for use, volume in place.volumes.items()
    }}
    return replace(place, volumes=volumes)


with mock.patch("components.cloud.provision", with_static_volumes):
    runpy.run_path("{main}", run_name="__main__")
"""
TASK_POD: Final[Mapping[str, Any]] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "a-task-that-still-runs", "namespace": NAMESPACE},
    "spec": {
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 50_000, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [
            {
                "name": "base",
                "image": "example.org/task:1",
                "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
                "volumeMounts": [{"name": "logs", "mountPath": "/logs"}],
            }
        ],
    },
}
BINDING_SECONDS: Final = 30.0
DESTROY_SECONDS: Final = 120.0


def write(stack: RecordedStack, disks: str) -> None:
    """Replace the program's disks."""
    main = stack.folder / "__main__.py"
    main.unlink()
    main.write_text(PROGRAM.format(disks=disks, main=PROJECT / "__main__.py"))


def volumes(cluster: TestCluster) -> dict[str, Manifest]:
    """The volumes of this test's namespace by their disk."""
    found = cluster.api.get(path("v1", "PersistentVolume"))["items"]
    return {
        each["spec"]["csi"]["volumeHandle"]: each
        for each in found
        if each["spec"].get("claimRef", {}).get("namespace") == NAMESPACE and "csi" in each["spec"]
    }


def bound(cluster: TestCluster) -> dict[str, str]:
    """The bound claim of each disk's volume, after all are bound."""
    deadline = time.monotonic() + BINDING_SECONDS
    while True:
        found = volumes(cluster)
        if all(each["status"].get("phase") == "Bound" for each in found.values()):
            return {disk: each["spec"]["claimRef"]["name"] for disk, each in found.items()}
        assert time.monotonic() < deadline, {disk: each["status"] for disk, each in found.items()}
        time.sleep(0.2)


def claims(cluster: TestCluster) -> dict[str, str]:
    """The volume of each claim."""
    found = cluster.api.get(path("v1", "PersistentVolumeClaim", NAMESPACE))["items"]
    return {each["metadata"]["name"]: each["spec"]["volumeName"] for each in found}


@dataclass(frozen=True)
class Held:
    """The claim of each disk, and the volume of each claim."""

    disks: Mapping[str, str]
    claims: Mapping[str, str]


@dataclass(frozen=True)
class Moved:
    """The record of one stack whose disks were replaced."""

    before: Held
    after: Held
    end: Held
    unchanged: Mapping[str, set[str]]
    """The preview after controllers have written to volumes and claims."""
    destroy_seconds: float


def held(cluster: TestCluster) -> Held:
    """The bindings after every volume is bound."""
    return Held(bound(cluster), claims(cluster))


def _move(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Moved:
    first = config(cluster.kubeconfig, "celery", namespace=NAMESPACE)
    stack = program(folder, environment, first)
    write(stack, "first")
    stack.up()
    before = held(cluster)
    stack.refresh()
    unchanged = done(stack.preview())
    write(stack, "second")
    stack.up()
    after = held(cluster)
    pod = {**TASK_POD, "spec": {**TASK_POD["spec"]}}
    pod["spec"]["volumes"] = [{"name": "logs", "persistentVolumeClaim": {"claimName": after.disks["second/logs"]}}]
    cluster.api.create(path("v1", "Pod", NAMESPACE), pod)
    started = time.monotonic()
    stack.destroy()
    seconds = time.monotonic() - started
    return Moved(before, after, held(cluster), unchanged, seconds)


SCENARIOS: Final = {"static volumes": _move}


@pytest.fixture(scope="module")
def moved(scenarios: dict[str, Future[Any]]) -> Moved:
    return scenarios["static volumes"].result()


def test_each_disk_is_bound_to_its_claim(moved: Moved) -> None:
    assert moved.before.disks.keys() == {"first/logs", "first/broker"}
    assert moved.before.claims == {claim: claim for claim in moved.before.disks.values()}


def test_what_controllers_write_is_no_change(moved: Moved) -> None:
    assert moved.unchanged == {}


def test_other_disks_get_other_claims(moved: Moved) -> None:
    assert moved.after.disks.keys() == {"second/logs", "second/broker"}
    assert set(moved.after.disks.values()) & set(moved.before.disks.values()) == set()


def test_nothing_is_left_though_a_task_still_ran(moved: Moved) -> None:
    assert moved.end == Held({}, {})
    assert moved.destroy_seconds < DESTROY_SECONDS
