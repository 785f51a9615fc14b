"""The objects of projects, and the facts that DAGs read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from airflow_project import projects as package
from components.airflow.projects import facts
from components.contract import requirements
from tests.unit.airflow_project.test_projects import BARE, FULL
from tests.unit.recording.recorder import Recording, Registration
from tests.unit.recording.stacks import recorded
from tests.unit.recording.stacks_gcp import recorded as recorded_gcp
from tests.unit.recording.stacks_projects import SECRET_TEXT
from tests.unit.recording.workloads import pods

RECORDED: Final[dict[str, Callable[[str], Recording]]] = {
    "both, projects": recorded,
    "azure, projects": recorded,
    "gcp, projects": recorded_gcp,
}
each_stack: Final = pytest.mark.parametrize("stack", RECORDED)


def of_project(stack: str, name: str) -> dict[str, Registration]:
    """The objects of a project by kind."""
    found = [
        found
        for found in RECORDED[stack](stack).objects
        if found.plain["metadata"]["labels"].get("airflow.apache.org/project") == name
        and found.namespace == "airflow-tasks"
    ]
    assert len({each.kind for each in found}) == len(found)
    return {each.kind: each for each in found}


def facts_of(stack: str) -> dict[str, Any]:
    """The file of facts in the pods of the DAG processor."""
    recording = RECORDED[stack](stack)
    files = recording.the("ConfigMap", "airflow-project-package").plain["data"]
    return json.loads(files["projects.json"])


@each_stack
def test_all_objects_of_a_project_are_in_the_namespace_for_tasks_and_have_its_name(stack: str) -> None:
    for name in ("sales", "weather"):
        found = of_project(stack, name)
        assert {(each.namespace, each.object_name) for each in found.values()} == {("airflow-tasks", name)}
    kinds = {"ConfigMap", "ServiceAccount"}
    assert of_project(stack, "weather").keys() == kinds | {"Role", "RoleBinding"}
    claim = {"PersistentVolumeClaim"} if stack == "both, projects" else set()
    assert of_project(stack, "sales").keys() == kinds | {"Secret"} | claim


def test_the_facts_are_those_that_the_package_reads() -> None:
    found = facts_of("both, projects")
    assert found == {
        "weather": {**BARE, "dags": "dags"},
        "sales": {**FULL, "labels": {}},
    }


@pytest.mark.parametrize(
    ("stack", "scheme", "labels"),
    [("azure, projects", "abfs://data-sales", {"azure.workload.identity/use": "true"}), ("gcp, projects", "gs://", {})],
)
def test_a_bucket_is_named_in_the_facts_and_in_the_variables_of_pods(
    stack: str, scheme: str, labels: dict[str, str]
) -> None:
    found, variables = facts_of(stack)["sales"], of_project(stack, "sales")["ConfigMap"].plain["data"]
    assert found["data"].startswith(scheme)
    assert (found["claim"], found["labels"]) == (False, labels)
    assert variables["AIRFLOW_PROJECT_DATA"] == found["data"]
    assert json.loads(variables.get("FSSPEC_ABFS", "{}")) == found["storage_options"]
    assert bool(found["storage_options"]) == (stack == "azure, projects")
    assert facts_of(stack)["weather"]["data"] is None


def test_config_becomes_variables() -> None:
    assert of_project("both, projects", "sales")["ConfigMap"].plain["data"] == {
        "dummy_key": "dummy value",
        "AIRFLOW_PROJECT": "sales",
        "AIRFLOW_PROJECT_DATA": "file:///opt/data",
    }


def test_the_value_of_a_secret_is_in_its_secret_and_nowhere_else() -> None:
    recording = recorded("both, projects")
    holders = [found.name for found in recording.registrations if SECRET_TEXT in json.dumps(found.plain, default=str)]
    assert holders == ["airflow-project-sales-secret"]
    assert of_project("both, projects", "sales")["Secret"].plain["stringData"] == {"BIG_SECRET": SECRET_TEXT}


def test_values_change_in_place_and_restart_nothing() -> None:
    """No pod of the instance refers to an object of a project, and the objects are not immutable."""
    recording = recorded("both, projects")
    for each in of_project("both, projects", "sales").values():
        assert not each.plain.get("immutable")
    assert [str(pod) for pod in pods(recording) if '"sales"' in json.dumps(pod.spec)] == []


def test_the_package_is_in_every_pod_that_reads_dags_or_creates_pods() -> None:
    recording = recorded("both, projects")
    folder = "/opt/airflow/config/airflow_project"
    distribution = f"{folder}-1.dist-info"
    holders = {
        pod.part: {
            mount["mountPath"] for mount in pod.main.get("volumeMounts", []) if mount["name"] == "project-package"
        }
        for pod in pods(recording)
    }
    paths = frozenset({folder, f"{distribution}/METADATA", f"{distribution}/entry_points.txt"})
    expected = dict.fromkeys(("dag-processor", "triggerer", "worker", "task", "scheduler"), paths)
    assert {part: found for part, found in holders.items() if found} == expected
    files = recording.the("ConfigMap", "airflow-project-package").plain["data"]
    source = Path(package.__file__).parent
    assert files.keys() == {path.name for path in source.glob("*.py")} | {
        "projects.json",
        "METADATA",
        "entry_points.txt",
    }
    assert files["projects.py"] == (source / "projects.py").read_text()


def test_both_sides_have_the_same_names() -> None:
    assert package.LABEL == requirements.PROJECT_LABEL
    assert package.DATA_FOLDER == facts.DATA_FOLDER


@pytest.mark.parametrize(("stack", "namespace"), [("both, projects", "airflow"), ("azure, projects", "airflow-tasks")])
def test_tasks_of_a_projects_own_dags_may_start_pods_in_the_namespace_for_tasks(stack: str, namespace: str) -> None:
    """Where a volume with logs ties pods of tasks to the instance's namespace, their ServiceAccount is there."""
    found = of_project(stack, "weather")
    [subject] = found["RoleBinding"].plain["subjects"]
    assert subject == {"kind": "ServiceAccount", "name": "weather", "namespace": namespace}
    accounts = {
        (account.namespace, account.object_name) for account in RECORDED[stack](stack).of_type("ServiceAccount")
    }
    assert (namespace, "weather") in accounts
    verbs = {resource: set(rule["verbs"]) for rule in found["Role"].plain["rules"] for resource in rule["resources"]}
    assert verbs.keys() <= {"pods", "pods/log", "pods/exec", "events"}
    assert {"create", "delete", "watch"} <= verbs["pods"]
