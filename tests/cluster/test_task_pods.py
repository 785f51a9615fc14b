"""Pods that DAG authors start: they work with the defaults of operators, and reach nothing of the instance.

Task pods are tied to the instance's namespace, whose Pod Security is off for a folder of the node: only the admission
policy holds them. tests/engine/test_task_pods.py has the other case.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from lab.testing.target import kubectl
from tests.cluster.cluster import COMPONENT, execute, objects, wait_until
from tests.cluster.installation import Installation, node_folder

pytestmark = [pytest.mark.dags, pytest.mark.timeout(1200), pytest.mark.lab_node("reads a folder of the node")]

NAME: Final = "test-pods"
DAGS: Final = Path(__file__).parent / "dags" / "task_pods.py"
ENDED: Final = ("success", "failed")
REFUSED: Final = {
    "secret_volume": "a Secret whose name begins with test-pods- belongs to the instance",
    "host_path": 'violates PodSecurity "restricted',
    "root": 'violates PodSecurity "restricted',
    # The operator looks for a pod of an earlier try first.
    "other_namespace": 'cannot list resource "pods" in API group "" in the namespace "kube-system"',
}
"""Tasks on a worker, and the refusal in their log."""
OVERRIDES: Final = {
    "override_account": "task pods use the ServiceAccount of the template",
    "override_secret": "task pods read Secrets of the template",
    "override_host_path": "task pods mount folders of the node of the template",
    "override_privileged": "task pods pass Pod Security restricted",
}
"""Tasks with a pod of their own, and the refusal in the scheduler's log."""
BY_API: Final = {
    "pod in the namespace of the instance": 'cannot create resource "pods" in API group',
    "pod without a security context": 'violates PodSecurity "restricted',
    "list secrets": 'cannot list resource "secrets"',
    "list secrets of tasks": 'cannot list resource "secrets"',
    "exec into the scheduler": 'cannot get resource "pods/exec"',
    "exec into a pod of the executor": "pods of the Kubernetes executor are for the scheduler only",
}
"""Requests with the token of a task, and the refusal."""


@pytest.fixture(scope="module")
def installation(airflow_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with node_folder() as dags:
        made = Installation(
            name=NAME,
            executor="celery+kubernetes",
            folder=tmp_path_factory.mktemp(NAME),
            settings={
                "dags": [{"kind": "host_path", "path": str(dags)}],
                "example_dags": False,
                "pod_operator": {"jobs": True},
            },
        )
        made.clear()
        try:
            made.up()
            scheduler = made.pod("scheduler")["metadata"]["name"]
            (dags / DAGS.name).write_text(DAGS.read_text().replace("NAME", NAME).replace("SCHEDULER", scheduler))
            made.client.wait_for_dags(["pods_that_work", "pods_that_are_refused"])
            yield made
            made.destroy()
        finally:
            made.clear()


Tasks = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def tasks(installation: Installation) -> dict[str, Tasks]:
    """The tasks of one run of each DAG with their logs; both run at once."""
    client = installation.client
    runs = {dag: client.trigger(dag) for dag in ("pods_that_work", "pods_that_are_refused")}
    found: dict[str, Tasks] = {}
    for dag, run in runs.items():
        client.wait_for_run(dag, run, timeout_seconds=300)
        # A task that never started has no log.
        found[dag] = {
            task["task_id"]: {
                **task,
                "log": client.log(dag, run, task) if task["start_date"] and task["state"] in ENDED else "",
            }
            for task in client.tasks(dag, run)
        }
    return found


@pytest.fixture(scope="module")
def works(tasks: dict[str, Tasks]) -> Tasks:
    """The tasks that must succeed."""
    found = tasks["pods_that_work"]
    failed = {name: task["log"][-2000:] for name, task in found.items() if task["state"] != "success"}
    assert failed == {}
    return found


@pytest.fixture(scope="module")
def refused(tasks: dict[str, Tasks]) -> Tasks:
    """The tasks that must fail."""
    return tasks["pods_that_are_refused"]


def test_operators_work_with_their_defaults_and_return_results(works: Tasks) -> None:
    """An image that starts as root runs as another user, without a word of its author."""
    for task in ("from_worker", "from_task_pod", "deferred"):
        assert "50000" in works[task]["log"]
    assert "from a job" in works["job"]["log"]


def test_an_override_within_the_policy_is_followed(works: Tasks) -> None:
    assert f"limit {600 * 1024 * 1024}" in works["more_memory"]["log"]


@pytest.mark.parametrize("task", REFUSED)
def test_a_pod_that_reaches_for_the_instance_is_refused(refused: Tasks, task: str) -> None:
    assert refused[task]["state"] == "failed"
    said = plain(refused[task]["log"])
    assert "403" in said
    assert REFUSED[task] in said, said[-3000:]


@pytest.mark.parametrize("task", OVERRIDES)
def test_an_override_that_reaches_for_the_instance_is_refused(
    installation: Installation, refused: Tasks, task: str
) -> None:
    assert refused[task]["state"] == "failed"
    scheduler = installation.pod("scheduler")["metadata"]["name"]
    said = kubectl("logs", "--namespace", installation.namespace, scheduler, "--container", "scheduler")
    assert OVERRIDES[task] in said


@pytest.mark.parametrize("place", ["worker", "task_pod"])
def test_the_token_of_a_task_opens_nothing(refused: Tasks, place: str) -> None:
    task = refused[f"by_api_from_{place}"]
    assert task["state"] == "success", task["log"][-3000:]
    [line] = [line for line in task["log"].splitlines() if line.startswith("ANSWERS ")]
    answers = json.loads(line.removeprefix("ANSWERS "))
    assert answers.keys() == BY_API.keys()
    # The answer to a WebSocket has no body: its reason says it.
    wrong = {what: said for what, said in answers.items() if not said.startswith(("403", "0 Handshake status 403"))}
    assert wrong == {}
    assert {what: said for what, said in answers.items() if BY_API[what] not in plain(said)} == {}


def plain(text: str) -> str:
    """The text of an API server's answer without the escapes of JSON and of Python."""
    return text.replace("\\", "")


def test_no_pod_that_runs_dag_code_has_the_fernet_key(installation: Installation, works: object) -> None:
    read = "tr '\\0' '\\n' < /proc/1/environ"
    for part, there in (("scheduler", True), ("worker", False)):
        environment = execute(installation.namespace, installation.pod(part)["metadata"]["name"], "sh", "-c", read)
        assert ("AIRFLOW__CORE__FERNET_KEY=" in environment) == there, part
    [template] = [
        found["data"]["task.yaml"]
        for found in objects("configmaps", installation.namespace)
        if "task.yaml" in found.get("data", {})
    ]
    assert "FERNET" not in template


def test_ended_pods_leave_nothing_behind(installation: Installation, works: object, refused: object) -> None:
    """Operators delete their pods, and the executor its own."""

    def none() -> bool:
        left = [
            *objects("pods", f"{NAME}-tasks", f"{COMPONENT}=pod,!batch.kubernetes.io/job-name"),
            *objects("pods", NAME, f"{COMPONENT}=task"),
        ]
        return not left

    wait_until("the pods of tasks are gone", none)
