"""Pods of projects on a real API server: what the admission policies of a stack with projects refuse.

tests/cluster/test_projects.py does the same with real DAGs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from lab.node.api import ApiError, Manifest
from lab.testing.cluster import TestCluster, path
from tests.engine.task_pod_changes import Change, account, changed, container, metadata, variable, volume
from tests.engine.test_task_pods import Stack, standing
from tests.unit.recording.stacks import AZURE

pytestmark = pytest.mark.timeout(300)

LABEL: Final = "airflow.apache.org/project"
PROJECTS: Final = [{"name": "sales", "dags": "dags"}, {"name": "weather"}, {"name": "sales-east"}]
USERS: Final = {
    "task": "system:serviceaccount:split-tasks:airflow-task",
    "sales": "system:serviceaccount:split-tasks:sales",
    "scheduler": "system:serviceaccount:split:airflow-scheduler",
}


@pytest.fixture(scope="module")
def split(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A stack on a cloud: pods of tasks are in the namespace for tasks."""
    stack = standing(cluster, tmp_path_factory.mktemp("home"), "split", cloud=AZURE, projects=PROJECTS)
    settled(stack, "split-tasks", "weather", "sales")
    return stack


@pytest.fixture(scope="module")
def together(cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """A stack with logs on a volume, which ties pods of tasks to the instance's namespace."""
    stack = standing(cluster, tmp_path_factory.mktemp("home"), "together", projects=PROJECTS)
    settled(stack, "together-tasks", "weather", "sales")
    return stack


def settled(stack: Stack, namespace: str, *projects: str) -> None:
    """Wait until the policies are in force: the API server watches them."""
    deadline = time.monotonic() + 60
    stolen = changed(of_project(stack, "sales", namespace), account("weather"))
    while not sent(stack, f"system:serviceaccount:{namespace.removesuffix('-tasks')}:airflow-worker", stolen):
        assert time.monotonic() < deadline, "no policy is in force"
        time.sleep(0.2)


def of_project(stack: Stack, project: str, namespace: str) -> Manifest:
    """A pod with the arguments of a project."""
    pod = stack.operator
    pod["metadata"] |= {"name": f"{project}--report", "namespace": namespace}
    pod["metadata"]["labels"][LABEL] = project
    pod["spec"]["serviceAccountName"] = project
    pod["spec"]["containers"][0]["envFrom"] = [{"configMapRef": {"name": project}}, {"secretRef": {"name": project}}]
    return pod


def sent(stack: Stack, user: str, pod: Manifest) -> str:
    """The refusal of a pod that a user sends; empty if it is accepted."""
    return asked(stack, user, "POST", f"{path('v1', 'Pod', pod['metadata']['namespace'])}?dryRun=All", pod)


def asked(stack: Stack, user: str, method: str, where: str, body: Manifest | None = None) -> str:
    try:
        replace(stack.api, user=user).request(method, where, body)
    except ApiError as error:
        return str(error).replace('\\"', '"')
    return ""


def labelled(project: str | None) -> Change:
    def change(pod: Manifest) -> None:
        if project is None:
            del pod["metadata"]["labels"][LABEL]
        else:
            pod["metadata"]["labels"][LABEL] = project

    return change


def nothing(pod: Manifest) -> None: ...


def both(*changes: Callable[[Manifest], Any]) -> Change:
    def change(pod: Manifest) -> None:
        for each in changes:
            each(pod)

    return change


@dataclass(frozen=True)
class Case:
    user: str
    project: str
    change: Change
    refusal: str


BELONGS: Final = "belongs to a project, and only pods with its label"
OWN: Final = "tasks of a project start and change pods of their own project only"
NAMES: Final = "names of a project's pods begin with its name and --"
CASES: Final = {
    "the arguments of a project": Case("task", "sales", nothing, ""),
    "those of another project, by DAGs of no project": Case("task", "weather", nothing, ""),
    "those of a project, by its own task": Case("sales", "sales", nothing, ""),
    "the account of another project": Case("task", "sales", account("weather"), f"this ServiceAccount {BELONGS}"),
    "a Secret as variables": Case(
        "task", "sales", container(envFrom=[{"secretRef": {"name": "weather"}}]), f"this Secret {BELONGS}"
    ),
    "a Secret as a variable": Case(
        "task", "sales", container(**variable(secretKeyRef={"name": "weather", "key": "k"})), f"this Secret {BELONGS}"
    ),
    "a Secret as a volume": Case("task", "sales", volume(secret={"secretName": "weather"}), f"this Secret {BELONGS}"),
    "a Secret in a projected volume": Case(
        "task", "sales", volume(projected={"sources": [{"secret": {"name": "weather"}}]}), f"this Secret {BELONGS}"
    ),
    "a Secret of a sidecar": Case(
        "task", "sales", container(1, envFrom=[{"secretRef": {"name": "weather"}}]), f"this Secret {BELONGS}"
    ),
    "a Secret for image pulls": Case(
        "task",
        "sales",
        lambda pod: pod["spec"].update(imagePullSecrets=[{"name": "weather"}]),
        f"this Secret for image pulls {BELONGS}",
    ),
    "a ConfigMap": Case("task", "sales", volume(configMap={"name": "weather"}), f"this ConfigMap {BELONGS}"),
    "a claim": Case("task", "sales", volume(persistentVolumeClaim={"claimName": "weather"}), f"this claim {BELONGS}"),
    "the objects of a project without its label": Case(
        "task", "sales", both(labelled(None), metadata(name="report")), BELONGS
    ),
    "objects of nobody": Case("task", "sales", volume(secret={"secretName": "mine"}), ""),
    "another name": Case("task", "sales", metadata(name="report"), NAMES),
    "the name of another project": Case("task", "sales", metadata(name="weather--report"), NAMES),
    "the name of a project that begins like it": Case("task", "sales", metadata(name="sales-east--report"), NAMES),
    "another project, by the task of a project": Case("sales", "weather", nothing, OWN),
    "no project, by the task of a project": Case(
        "sales",
        "sales",
        both(
            labelled(None),
            metadata(name="report"),
            account("airflow-pod"),
            lambda pod: pod["spec"]["containers"][0].pop("envFrom"),
        ),
        OWN,
    ),
    "another account, by the task of a project": Case("sales", "sales", account("airflow-pod"), OWN),
}
"""Changes of a project's pod, with the ServiceAccount that sends it, and the refusal; empty: it is accepted."""


def stand(stack: Stack) -> str:
    """The path of a pod of project `weather` that exists."""
    where = path("v1", "Pod", "split-tasks", "weather--standing")
    stack.api.apply(where, changed(of_project(stack, "weather", "split-tasks"), metadata(name="weather--standing")))
    return where


@pytest.mark.parametrize("case", CASES)
def test_a_pod_reaches_nothing_of_another_project(split: Stack, case: str) -> None:
    found = CASES[case]
    pod = changed(of_project(split, found.project, "split-tasks"), found.change)
    said = sent(split, USERS[found.user], pod)
    assert (found.refusal in said) if found.refusal else said == ""


@pytest.mark.parametrize(
    ("user", "method", "where", "refusal"),
    [
        ("sales", "DELETE", "weather--standing?dryRun=All", "tasks of a project reach pods of their own project only"),
        ("task", "DELETE", "weather--standing?dryRun=All", ""),
        ("sales", "POST", "weather--report/exec?command=env", "tasks of a project reach pods of their own project"),
        ("sales", "POST", "sales-east--report/exec?command=env", "tasks of a project reach pods of their own project"),
        ("sales", "DELETE", "sales--report", "not found"),
        ("sales", "POST", "sales--report/exec?command=env", "not found"),
    ],
)
def test_tasks_of_a_project_neither_enter_nor_delete_pods_of_others(
    split: Stack, user: str, method: str, where: str, refusal: str
) -> None:
    """A pod that is not refused is looked for, and most are not there."""
    stand(split)
    said = asked(split, USERS[user], method, f"{path('v1', 'Pod', 'split-tasks')}/{where}")
    assert (refusal in said) if refusal else said == ""


@pytest.mark.parametrize("change", ["label", "image"])
def test_a_pod_stays_with_its_project(split: Stack, change: str) -> None:
    """A change of the image would run another program with the project's Secret."""
    where = stand(split)
    wanted: dict[str, Any] = (
        {"metadata": {"labels": {LABEL: "sales"}}}
        if change == "label"
        else {"spec": {"containers": [{"name": "base", "image": "example.org/other:1"}]}}
    )
    users = ["sales"] if change == "image" else ["sales", "task"]
    for user in users:
        said = patched(split, USERS[user], where, wanted)
        assert "403" in said, user
        assert "see docs/projects.md" in said, user
    assert patched(split, USERS["task"], where, {"metadata": {"labels": {"already_checked": "True"}}}) == ""


def patched(stack: Stack, user: str, where: str, change: Manifest) -> str:
    try:
        replace(stack.api, user=user).request(
            "PATCH", f"{where}?dryRun=All", change, content_type="application/strategic-merge-patch+json"
        )
    except ApiError as error:
        return str(error).replace('\\"', '"')
    return ""


@pytest.mark.parametrize(
    ("stack", "namespace", "of"), [("split", "split-tasks", "split"), ("together", "together", "together")]
)
def test_the_scheduler_gives_the_account_of_a_project_to_its_tasks_only(
    request: pytest.FixtureRequest, stack: str, namespace: str, of: str
) -> None:
    found: Stack = request.getfixturevalue(stack)
    scheduler = f"system:serviceaccount:{of}:airflow-scheduler"

    def template(name: str, label: str | None) -> Manifest:
        pod = changed(found.template, account(name))
        pod["metadata"]["namespace"] = namespace
        if label is not None:
            pod["metadata"]["labels"][LABEL] = label
        return pod

    assert sent(found, scheduler, template("sales", "sales")) == ""
    assert sent(found, scheduler, template("airflow-task", None)) == ""
    assert "this ServiceAccount" in sent(found, scheduler, template("sales", None))
    # This project has no DAGs of its own: no pod of a task has its account, which the instance's namespace lacks.
    refusal = "pods of the executor use the ServiceAccount" if of == "split" else 'serviceaccount "weather" not found'
    assert refusal in sent(found, scheduler, template("weather", "weather"))


def test_a_project_changes_and_deletes_its_own_pods(split: Stack) -> None:
    """The KubernetesPodOperator does both."""
    where = path("v1", "Pod", "split-tasks", "sales--standing")
    split.api.apply(where, changed(of_project(split, "sales", "split-tasks"), metadata(name="sales--standing")))
    assert patched(split, USERS["sales"], where, {"metadata": {"labels": {"already_checked": "True"}}}) == ""
    assert asked(split, USERS["sales"], "DELETE", f"{where}?dryRun=All") == ""
