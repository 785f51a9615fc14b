"""The pods of a recording's objects, including task pods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import yaml

from tests.unit.recording.recorder import Recording, Registration
from tests.unit.recording.stacks import recordings

LONG_RUNNING: Final = ("Deployment", "StatefulSet")
TEMPLATE_KEY: Final = "task.yaml"


@dataclass(frozen=True, kw_only=True)
class Pod:
    """A pod from a template, and the template's object."""

    owner: Registration
    namespace: str
    metadata: dict[str, Any]
    spec: dict[str, Any]

    @property
    def part(self) -> str:
        """The component it belongs to."""
        return self.metadata["labels"]["app.kubernetes.io/component"]

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Main and init containers."""
        return [*self.spec["containers"], *self.spec.get("initContainers", [])]

    @property
    def main(self) -> dict[str, Any]:
        """The only main container."""
        [main] = self.spec["containers"]
        return main

    @property
    def runs_airflow(self) -> bool:
        """Whether its image is Airflow's."""
        return self.part not in {"redis", "postgres"}

    @property
    def long_running(self) -> bool:
        """Whether it runs permanently."""
        return self.owner.kind in LONG_RUNNING

    def __str__(self) -> str:
        return f"pod of {self.owner.kind} {self.owner.name}"


@cache
def pods(recording: Recording) -> list[Pod]:
    """Every pod of a recording."""
    found = [
        Pod(
            owner=owner,
            namespace=owner.namespace or "",
            metadata=template["metadata"],
            spec=template["spec"],
        )
        for owner in recording.of_type("Deployment", "StatefulSet", "Job", "CronJob", "DaemonSet", "ReplicaSet")
        for template in [owner.plain["spec"]["template"]]
    ]
    for owner in recording.of_type("ConfigMap"):
        if text := owner.plain["data"].get(TEMPLATE_KEY):
            manifest = yaml.safe_load(text)
            found.append(
                Pod(
                    owner=owner,
                    namespace=manifest["metadata"]["namespace"],
                    metadata=manifest["metadata"],
                    spec=manifest["spec"],
                )
            )
    return found


def pod_of(recording: Recording, part: str) -> Pod:
    """The only pod of a workload."""
    [found] = [pod for pod in pods(recording) if pod.part == part]
    return found


def options_of(recording: Recording, pod: Pod) -> dict[str, str]:
    """The options of airflow.cfg that a pod reads from ConfigMaps, as variables."""
    names = {source["configMapRef"]["name"] for source in pod.main.get("envFrom", [])}
    maps = [found for found in recording.of_type("ConfigMap") if found.object_name in names]
    assert len(maps) == len(names)
    return {key: value for found in maps for key, value in found.plain["data"].items()}


def variables_of(recording: Recording, pod: Pod) -> dict[str, str]:
    """The options of a pod and its container's own variables, without those from Secrets."""
    own = {variable["name"]: variable["value"] for variable in pod.main.get("env", []) if "value" in variable}
    return {**options_of(recording, pod), **own}


def every_pod() -> Iterator[tuple[str, Recording, Pod]]:
    """Every pod of every stack."""
    for stack, recording in recordings():
        for pod in pods(recording):
            yield stack, recording, pod


def every_container() -> Iterator[tuple[str, Pod, dict[str, Any]]]:
    """Every container of every stack, init containers included."""
    for stack, _, pod in every_pod():
        for container in pod.containers:
            yield f"{stack}: {pod}: {container['name']}", pod, container
