"""The requests and limits of pods: processor, memory and disk."""

from __future__ import annotations

import re
from typing import Final

import pytest

from tests.unit.recording.stacks import recorded
from tests.unit.recording.workloads import every_container, every_pod, pods


def test_every_container_asks_for_processor_and_memory_and_has_a_limit_of_memory() -> None:
    offenders = []
    for where, _, container in every_container():
        resources = container.get("resources", {})
        requests, limits = resources.get("requests", {}), resources.get("limits", {})
        if not re.fullmatch(r"[1-9]\d*m", requests.get("cpu", "")):
            offenders.append(f"{where}: cpu {requests.get('cpu')}")
        if not re.fullmatch(r"[1-9]\d*Mi", requests.get("memory", "")) or limits.get("memory") != requests["memory"]:
            offenders.append(f"{where}: memory {requests.get('memory')} up to {limits.get('memory')}")
        if "cpu" in limits:
            offenders.append(f"{where}: a limit of the processor makes starts crawl")
    assert offenders == []


def mebibytes(quantity: str) -> int:
    [number, unit] = re.fullmatch(r"(\d+)([MG])i", quantity).groups()
    return int(number) * (1024 if unit == "G" else 1)


def test_no_pod_can_fill_the_disk_of_its_node() -> None:
    """Without limits the files of one task evict all neighbours."""
    offenders = []
    for stack, _, pod in every_pod():
        folders = {v["name"]: v["emptyDir"] for v in pod.spec.get("volumes", []) if "emptyDir" in v}
        offenders += [f"{stack}: {pod}: {name} has no bound" for name, v in folders.items() if "sizeLimit" not in v]
        resources = pod.main["resources"]
        asked, bound = (resources[kind].get("ephemeral-storage") for kind in ("requests", "limits"))
        if not pod.runs_airflow:
            continue
        if asked is None or asked != bound:
            offenders.append(f"{stack}: {pod}: {asked} requested and {bound} the limit")
        elif max(mebibytes(v["sizeLimit"]) for v in folders.values()) > mebibytes(bound):
            offenders.append(f"{stack}: {pod}: a folder may be larger than the pod's limit {bound}")
    assert offenders == []


CPU_ON_A_CLOUD: Final = {
    "api-server": 1000,
    "scheduler": 1000,
    "dag-processor": 500,
    "triggerer": 250,
    "worker": 100 * 8,
    "task": 250,
}
"""Requests that the cluster autoscaler needs, in thousandths of a core."""


@pytest.mark.parametrize("stack", ["stand-in cloud, celery", "stand-in cloud, kubernetes"])
def test_requests_on_a_cloud_are_what_a_part_takes_under_load(stack: str) -> None:
    asked = {
        pod.part: int(pod.main["resources"]["requests"]["cpu"].removesuffix("m"))
        for pod in pods(recorded(stack))
        if pod.part in CPU_ON_A_CLOUD
    }
    assert asked == {part: CPU_ON_A_CLOUD[part] for part in asked}
    assert len(asked) == 5


def test_requests_on_a_local_stack_only_have_to_fit() -> None:
    recording = recorded("celery+kubernetes")
    asked = [int(pod.main["resources"]["requests"]["cpu"].removesuffix("m")) for pod in pods(recording)]
    assert sum(asked) <= 1500
