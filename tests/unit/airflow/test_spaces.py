"""The namespaces of an instance: which workload lives where, and what exists once for each of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final, cast

import pulumi
import pytest
from pulumi_kubernetes.core.v1 import VolumeMountArgs

from components.airflow import instance
from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, FeatureModule
from components.airflow.secrets.provided import create_secret
from components.airflow.volumes import create_files
from components.contract.workloads import WORKLOADS, Workload
from tests.unit.recording import recorder, stand_in_cloud
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import AZURE, config, recorded, recordings
from tests.unit.recording.workloads import pod_of, pods

APART: Final[dict[str, set[str]]] = {
    "celery": {"pod"},
    "celery, no pod operator": set(),
    # The logs' volume ties the pods of the executor.
    "celery+kubernetes": {"pod"},
    "both, no pod operator": set(),
    "both, DAGs from a folder of the node": {"pod"},
    # The log store and DAG files in the image do not.
    "stand-in cloud, kubernetes": {"pod", "task"},
    "stand-in cloud, shares": {"pod"},
}
"""The workloads in the namespace for tasks, by stack."""
READERS: Final = ("scheduler", "worker", "task")
FEATURES: Final = instance.FEATURES


@pytest.mark.parametrize("stack", APART)
def test_pods_of_dag_authors_live_apart_unless_a_volume_ties_them(stack: str) -> None:
    recording = recorded(stack)
    accounts = {
        found.object_name.removeprefix("airflow-"): found.namespace
        for found in recording.of_type("ServiceAccount")
        if "-access-" in found.name
    }
    assert {workload for workload, home in accounts.items() if home == "airflow-tasks"} == APART[stack]
    assert {found.name for found in recording.of_type("Namespace")} & {"airflow-task-namespace"} == (
        {"airflow-task-namespace"} if APART[stack] else set()
    )
    for pod in pods(recording):
        if pod.part in WORKLOADS:
            assert pod.namespace == accounts[pod.part], pod


def test_the_scheduler_starts_task_pods_where_their_account_is() -> None:
    for stack in ("kubernetes", "stand-in cloud, kubernetes"):
        recording = recorded(stack)
        task = pod_of(recording, "task")
        for part in ("scheduler", "api-server"):
            options = recording.the("ConfigMap", f"airflow-{part}-options").plain["data"]
            assert options["AIRFLOW__KUBERNETES_EXECUTOR__NAMESPACE"] == task.namespace


def test_no_secret_of_the_instance_is_in_the_namespace_for_tasks() -> None:
    offenders = [
        f"{stack}: {found.name}"
        for stack, recording in recordings()
        for found in recording.of_type("Secret")
        if found.namespace == f"{recording.outputs['namespace']}-tasks" and "-secrets-" in found.name
    ]
    assert offenders == []


def with_feature(
    monkeypatch: pytest.MonkeyPatch, executor: str, readers: tuple[Workload, ...], secret: str = "s3cret"
) -> Recording:
    """A stack with one more feature: a Secret and a file for some workloads."""

    def create_feature(context: InstanceContext) -> Feature:
        token = create_secret(context, "git-token", {"token": pulumi.Output.secret(secret)}, readers)
        mount = VolumeMountArgs(name="git-token", mount_path="/token", read_only=True)
        files = create_files(
            context,
            "hosts",
            volume="hosts",
            owner="dags",
            files={"hosts": "example.org"},
            workloads=readers,
            mounts=[VolumeMountArgs(name="hosts", mount_path="/hosts", read_only=True)],
        )
        return Feature(
            overlays=[*token.overlays("git-token", [mount]), *files], credentials=token.credentials("TOKEN", "token")
        )

    module = cast(FeatureModule, SimpleNamespace(RESERVED={}, create_feature=create_feature))
    monkeypatch.setattr(instance, "FEATURES", (*FEATURES, module))
    with stand_in_cloud.in_place():
        recording = recorder.run(config(executor, cloud=AZURE))
    assert recording.error is None, recording.error
    return recording


def volume_of(pod: Any, name: str) -> dict[str, Any]:
    [volume] = [each for each in pod.spec["volumes"] if each["name"] == name]
    return volume


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_what_readers_share_exists_once_in_each_of_their_namespaces(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    recording = with_feature(monkeypatch, "celery+kubernetes", READERS)
    name = {"Secret": "airflow-git-token", "ConfigMap": "airflow-hosts"}[kind]
    found = {each.name: each for each in recording.of_type(kind) if each.name.startswith(name)}
    assert {key: each.namespace for key, each in found.items()} == {name: "airflow", f"{name}-tasks": "airflow-tasks"}
    for part in READERS:
        pod = pod_of(recording, part)
        own = found[f"{name}-tasks" if part == "task" else name]
        if kind == "Secret":
            [variable] = [each for each in pod.main["env"] if each["name"] == "TOKEN"]
            assert variable["valueFrom"]["secretKeyRef"] == {"name": own.object_name, "key": "token"}
            assert volume_of(pod, "git-token")["secret"] == {"secretName": own.object_name, "defaultMode": 0o440}
        else:
            assert volume_of(pod, "hosts")["configMap"]["name"] == own.object_name


def test_a_namespace_without_a_reader_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With Celery alone there is no task pod, and the workload does not make a Secret."""
    recording = with_feature(monkeypatch, "celery", READERS)
    assert [found.name for found in recording.of_type("Secret") if "git-token" in found.name] == ["airflow-git-token"]
    recording = with_feature(monkeypatch, "kubernetes", ("task",))
    found = [each.name for each in recording.of_type("Secret") if "git-token" in each.name]
    assert found == ["airflow-git-token-tasks"]


def test_a_changed_secret_restarts_exactly_its_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = (
        {
            pod.part: pod.metadata["annotations"]
            for pod in pods(with_feature(monkeypatch, "celery+kubernetes", READERS, secret))
        }
        for secret in ("one", "two")
    )
    assert {part for part in before if before[part] != after[part]} == set(READERS)
