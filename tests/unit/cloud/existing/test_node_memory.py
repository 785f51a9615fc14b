"""Pulumi.local.yaml fits on the node that the README promises."""

from __future__ import annotations

import re
from typing import Any, Final

from lab.machine import MEMORY_GIB_MIN, NODE_MEMORY_GIB, SYSTEM_PODS_MIB
from tests.unit.recording.stacks import ROOT, recorded
from tests.unit.recording.workloads import Pod, pods

STACK: Final = "stack file local"
JOBS: Final = {"Job"}
"""They have ended, or run alone."""


def requested_mib(pod: Pod) -> int:
    """The effective request of a pod in Kubernetes: containers and sidecars together, or the largest init container."""

    def mib(container: dict[str, Any]) -> int:
        return int(container["resources"]["requests"]["memory"].removesuffix("Mi"))

    inits = pod.spec.get("initContainers", [])
    staying = [c for c in inits if c.get("restartPolicy") == "Always"]
    together = sum(map(mib, [*pod.spec["containers"], *staying]))
    return max([together, *(mib(c) for c in inits if c not in staying)])


def test_the_local_stack_fits_a_small_node_with_a_task_pod_while_one_part_is_replaced() -> None:
    found = {pod.part: (pod, requested_mib(pod)) for pod in pods(recorded(STACK)) if pod.owner.kind not in JOBS}
    assert "task" in found
    always = SYSTEM_PODS_MIB + sum(
        mib * pod.owner.plain["spec"]["replicas"] if pod.long_running else mib for pod, mib in found.values()
    )
    surging = [mib for pod, mib in found.values() if pod.owner.kind == "Deployment"]
    assert always + max(surging) <= MEMORY_GIB_MIN * 1024, {part: mib for part, (_, mib) in found.items()}


def test_a_worker_of_the_local_stack_has_what_its_tasks_take() -> None:
    [worker] = [pod for pod in pods(recorded(STACK)) if pod.part == "worker"]
    assert requested_mib(worker) >= 400 + 150 * 4


def test_the_readme_promises_the_node_that_is_tested() -> None:
    promised = re.search(r"(\d+) processors and\s+(\d+) GiB of memory", (ROOT / "README.md").read_text())
    assert promised is not None
    assert int(promised[2]) == NODE_MEMORY_GIB
    assert NODE_MEMORY_GIB - 1 < MEMORY_GIB_MIN < NODE_MEMORY_GIB
