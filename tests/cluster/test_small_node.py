"""The shipped Pulumi.local.yaml on a node whose pods have the memory of a machine with 8 GiB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from lab import images
from lab.access import port_forward
from lab.airflow_client import AirflowClient, logged_in
from lab.demo import API_PORT
from lab.engine.environment import environment
from lab.engine.stack import Stack
from lab.engine.workspace import workspace
from lab.examples import run_examples
from lab.kubectl import kubectl
from lab.machine import MEMORY_GIB_MIN, SYSTEM_PODS_MIB
from lab.node.instance import Instance
from lab.node.node import Node
from lab.stack_file import StackFile
from tests.cluster.cluster import COMPONENT, Object, objects, wait_until

pytestmark = [pytest.mark.timeout(1800), pytest.mark.lab_node("starts a node of its own")]

PODS_MIB = int(MEMORY_GIB_MIN * 1024) - SYSTEM_PODS_MIB
EVICTION_MIB = 100
"""The kubelet's eviction threshold: https://kubernetes.io/docs/concepts/scheduling-eviction/node-pressure-eviction/."""
TASK_SECONDS = 30
"""A task that keeps an old worker until a task pod exists."""


@dataclass(frozen=True)
class Small:
    """An installation on a separate node."""

    node: Node
    client: AirflowClient
    name: str
    namespaces: tuple[str, str]
    examples: dict[str, str]
    """Successful runs of the example DAGs, by DAG."""

    def objects(self, kind: str, selector: str = "") -> list[Object]:
        return [found for space in self.namespaces for found in objects(kind, space, selector)]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """The installation after the runs of its example DAGs; like `make demo`, but with separate state."""
    if os.geteuid() != 0:
        pytest.skip("a real node needs root")
    folder = tmp_path_factory.mktemp("small")
    with small_node() as node:
        file = StackFile.named("local")
        variables = {**environment(state=folder / "pulumi"), "KUBECONFIG": str(node.kubeconfig)}
        stack = workspace(folder / "program", file.name, variables, file.text(examples=True))
        outputs = up(stack)
        daemon, url = port_forward(
            folder,
            kubeconfig=node.kubeconfig,
            namespace=outputs["namespace"],
            service=f"{outputs['name']}-api-server",
            port=API_PORT,
        )
        try:
            client = logged_in(url, outputs["admin_user"], outputs["admin_password"])
            namespaces = (outputs["namespace"], f"{outputs['namespace']}-database")
            yield Small(node, client, outputs["name"], namespaces, run_examples(client))
        finally:
            daemon.stop()


@contextmanager
def small_node() -> Iterator[Node]:
    """A second node, which the lab's commands use as the default node meanwhile."""
    node = Node(Instance(f"{Instance().name}-small", pods_mib=PODS_MIB))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_NODE", node.instance.name)
        node.down()
        try:
            node.up()
            node.import_images(images.archives())
            yield node
        finally:
            # Its images stay: importing them takes longer than starting Airflow.
            node.down()


def up(stack: Stack) -> dict[str, Any]:
    """Deploy a stack and return its outputs; a failure lists the pending pods."""
    run = stack.up(check=False)
    assert run.code == 0, (run.messages(), refusals())
    return stack.outputs()


def refusals() -> list[str]:
    """Events of the scheduler and the kubelet about pods without enough memory."""
    said = [(event["involvedObject"]["name"], event["reason"], event.get("message", "")) for event in objects("events")]
    return [
        f"{name}: {reason}: {message}"
        for name, reason, message in said
        if reason in {"Evicted", "EvictionThresholdMet", "Preempted", "SystemOOM"} or "Insufficient memory" in message
    ]


def test_pods_get_what_a_machine_of_8_gib_leaves_them(small: Small) -> None:
    [node] = objects("nodes")
    assert node["metadata"]["name"] == small.node.instance.name
    assert node["status"]["allocatable"]["memory"] == f"{PODS_MIB - EVICTION_MIB}Mi"
    assert small.node.cgroups.memory_limit("kubepods") == PODS_MIB * 2**20


def test_tasks_ran_on_a_worker_and_in_a_pod_of_their_own(small: Small) -> None:
    ran = {task["executor"] for task in small.client.tasks("executors", small.examples["executors"])}
    assert ran == {"CeleryExecutor", "KubernetesExecutor"}


def test_the_largest_part_is_replaced_while_it_works_and_a_task_has_a_pod(small: Small) -> None:
    """The maximum of the stack's concurrent requests."""
    wait_until("the pods of the example DAGs are gone", lambda: not small.objects("pods", f"{COMPONENT}=task"))
    [old] = small.objects("pods", f"{COMPONENT}=worker")
    busy = small.client.trigger("tutorial", {"seconds": TASK_SECONDS})

    def states() -> dict[str, str]:
        return {task["task_id"]: task["state"] for task in small.client.tasks("tutorial", busy)}

    wait_until("a task runs on the worker", lambda: states()["sleep"] == "running")
    worker = f"deployment/{small.name}-worker"
    kubectl("rollout", "restart", worker, "--namespace", small.namespaces[0])
    beside = small.client.trigger("executors")

    def placed() -> dict[str, int]:
        """The number of worker and task pods on the node."""
        pods = [
            pod
            for pod in small.objects("pods", f"{COMPONENT} in (worker,task)")
            if pod["spec"].get("nodeName") and pod["status"]["phase"] in {"Pending", "Running"}
        ]
        return {part: sum(pod["metadata"]["labels"][COMPONENT] == part for pod in pods) for part in ("worker", "task")}

    wait_until("two workers and a task's pod are there", lambda: placed() == {"worker": 2, "task": 1})
    for dag, run in {"tutorial": busy, "executors": beside}.items():
        assert small.client.wait_for_run(dag, run) == "success"
        tries = {task["task_id"]: task["try_number"] for task in small.client.tasks(dag, run)}
        assert set(tries.values()) == {1}, tries
    kubectl("rollout", "status", worker, "--namespace", small.namespaces[0], "--timeout=120s")
    wait_until("the old worker is gone", lambda: old["metadata"]["uid"] not in uids(small))


def uids(small: Small) -> set[str]:
    return {pod["metadata"]["uid"] for pod in small.objects("pods")}


def test_no_pod_waited_for_memory_or_lost_it(small: Small) -> None:
    pods = small.objects("pods")
    killed = [
        f"{pod['metadata']['name']}: {status['name']}"
        for pod in pods
        for kind in ("initContainerStatuses", "containerStatuses")
        for status in pod["status"].get(kind, [])
        for state in (status["state"], status["lastState"])
        if state.get("terminated", {}).get("reason") == "OOMKilled"
    ]
    assert killed == []
    assert [pod["metadata"]["name"] for pod in pods if pod["status"].get("reason") == "Evicted"] == []
    assert refusals() == []
    assert small.node.cgroups.out_of_memory() == {}
