"""Names of the pods of projects, and the ServiceAccount of the tasks of their own DAGs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pluggy
import pytest

from airflow_project import pods
from airflow_project.projects import LABEL
from tests.unit.airflow_project.test_projects import BARE, facts

PROJECTS: Final = {
    "sales": {**BARE, "dags": "sales", "labels": {"azure.workload.identity/use": "true"}},
    "weather": {**BARE, "dags": "git"},
    "shared": BARE,
}


def pod(**labels: str) -> Any:
    """A pod as Airflow's model: of the executor, with the account and labels of an author."""
    return SimpleNamespace(
        metadata=SimpleNamespace(name="task-abcdefgh", labels=dict(labels)),
        spec=SimpleNamespace(service_account_name="weather", service_account="weather"),
    )


def called(found: Any, file: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The pod after Airflow has called all policies, as it does."""
    monkeypatch.setattr(pods, "FACTS", file)
    manager = pluggy.PluginManager("airflow.policy")

    class Specification:
        @pluggy.HookspecMarker("airflow.policy")
        def pod_mutation_hook(self, pod: Any) -> None: ...

    class Other:
        """Another policy, which puts other models in place."""

        @pluggy.HookimplMarker("airflow.policy")(trylast=True)
        def pod_mutation_hook(self, pod: Any) -> None:
            pod.metadata = SimpleNamespace(**vars(pod.metadata))

    manager.add_hookspecs(Specification)
    manager.register(Other())
    manager.register(pods)
    manager.hook.pod_mutation_hook(pod=found)
    return found


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("report-abcdefgh", "sales--report-abcdefgh"),
        ("sales--report-abcdefgh", "sales--report-abcdefgh"),
        ("r" * 54 + "-abcdefgh", "sales--" + "r" * 47 + "-abcdefgh"),
    ],
)
def test_the_name_of_a_projects_pod_begins_with_the_project_and_stays_unique(name: str, expected: str) -> None:
    assert pods.pod_name("sales", name) == expected
    assert len(pods.pod_name("sales", name)) <= 63


def test_only_pods_of_projects_are_renamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = facts(tmp_path, **PROJECTS)
    assert called(pod(**{LABEL: "sales"}), file, monkeypatch).metadata.name == "sales--task-abcdefgh"
    assert called(pod(**{LABEL: "unknown"}), file, monkeypatch).metadata.name == "task-abcdefgh"
    assert called(pod(), file, monkeypatch).metadata.name == "task-abcdefgh"


def test_a_task_has_the_account_of_the_project_of_its_dags_whatever_its_author_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pods, "bundle_of", lambda _: "sales")
    file = facts(tmp_path, **PROJECTS)
    found = called(pod(kubernetes_executor="True", **{LABEL: "weather"}), file, monkeypatch)
    assert (found.spec.service_account_name, found.spec.service_account) == ("sales", None)
    assert found.metadata.labels == {
        "kubernetes_executor": "True",
        "azure.workload.identity/use": "true",
        LABEL: "sales",
    }
    assert found.metadata.name == "task-abcdefgh"


def test_a_task_of_other_dags_has_no_label_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy of the cluster refuses the account of a project without its label."""
    monkeypatch.setattr(pods, "bundle_of", lambda _: "dags")
    found = called(pod(kubernetes_executor="True", **{LABEL: "weather"}), facts(tmp_path, **PROJECTS), monkeypatch)
    assert found.metadata.labels == {"kubernetes_executor": "True"}
    assert found.spec.service_account_name == "weather"


def test_without_dags_of_projects_nobody_asks_for_the_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pods, "bundle_of", lambda _: pytest.fail("asked"))
    found = called(pod(kubernetes_executor="True", **{LABEL: "shared"}), facts(tmp_path, shared=BARE), monkeypatch)
    assert LABEL not in found.metadata.labels


def test_the_module_is_the_entry_point_that_the_stack_writes() -> None:
    from components.airflow.projects.package import DISTRIBUTION, DISTRIBUTION_FILES

    assert f"= {pods.__name__}\n" in DISTRIBUTION_FILES["entry_points.txt"]
    assert Path(DISTRIBUTION).parent == Path("/opt/airflow/config")
