"""Pod arguments of a project in a DAG."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from kubernetes_validate import validate

from airflow_project import ProjectError, project

BARE: Final[dict[str, Any]] = {
    "namespace": "airflow-tasks",
    "image": None,
    "pool": False,
    "dags": None,
    "secret": False,
    "claim": False,
    "data": None,
    "storage_options": {},
    "labels": {},
    "node_selector": {},
    "tolerations": [],
}
FULL: Final = {
    **BARE,
    "image": "registry.example.org/task:1",
    "pool": True,
    "secret": True,
    "claim": True,
    "data": "file:///opt/data",
    "labels": {"azure.workload.identity/use": "true"},
    "node_selector": {"disk": "fast"},
    "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
}
"""The entries that the stack writes; tests/unit/airflow/projects compares them with those of a stack."""


def facts(folder: Path, **projects: Any) -> Path:
    file = folder / "projects.json"
    file.write_text(json.dumps(projects))
    return file


def test_an_unknown_project_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    file = facts(tmp_path, example1=BARE, example2=BARE)
    with pytest.raises(ProjectError, match=r"Project 'exampel1' is not .* which has example1, example2; correct the"):
        project("exampel1", file)


@pytest.mark.parametrize("written", [True, False], ids=["empty file", "no file"])
def test_a_stack_without_projects_is_named_as_such(tmp_path: Path, written: bool) -> None:
    file = facts(tmp_path) if written else tmp_path / "absent.json"
    with pytest.raises(ProjectError, match=r"which has no projects; .* add the project to airflow:projects"):
        project("example1", file)


def test_a_pod_gets_everything_that_its_project_has(tmp_path: Path) -> None:
    arguments = project("example1", facts(tmp_path, example1=FULL)).pod()
    template = arguments.pop("pod_template_dict")
    assert arguments == {
        "namespace": "airflow-tasks",
        "image": "registry.example.org/task:1",
        "pool": "example1",
    }
    assert template["metadata"]["labels"] == {
        "azure.workload.identity/use": "true",
        "airflow.apache.org/project": "example1",
    }
    assert template["spec"] == {
        "serviceAccountName": "example1",
        "containers": [
            {
                "name": "base",
                "envFrom": [{"configMapRef": {"name": "example1"}}, {"secretRef": {"name": "example1"}}],
                "volumeMounts": [{"name": "data", "mountPath": "/opt/data"}],
            }
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "example1"}}],
        "nodeSelector": {"disk": "fast"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
    }


def test_a_pod_of_a_bare_project_refers_to_nothing_that_does_not_exist(tmp_path: Path) -> None:
    arguments = project("example1", facts(tmp_path, example1=BARE)).pod(image="registry.example.org/task:2")
    assert "pool" not in arguments
    assert arguments["image"] == "registry.example.org/task:2"
    assert arguments["pod_template_dict"]["spec"] == {
        "serviceAccountName": "example1",
        "containers": [{"name": "base", "envFrom": [{"configMapRef": {"name": "example1"}}]}],
    }


@pytest.mark.parametrize("entry", [BARE, FULL], ids=["bare", "full"])
def test_the_template_is_a_manifest(tmp_path: Path, entry: dict[str, Any]) -> None:
    template = project("example1", facts(tmp_path, example1=entry)).template()
    validate(template, "1.36", strict=True)


def test_a_pod_needs_an_image(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"'example1' has no image, and the task names none; call pod\(image=…\)"):
        project("example1", facts(tmp_path, example1=BARE)).pod()
