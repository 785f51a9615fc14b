"""Order of creation and deletion, and protection."""

from __future__ import annotations

import re
from typing import Final

import pytest

from components.settings.sections.migration import Migration
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording, Registration
from tests.unit.recording.stacks import EXECUTORS, OF_USERS, STACKS, config, recorded, recordings
from tests.unit.recording.workloads import LONG_RUNNING, every_container, pods

BEFORE_THE_MIGRATION: Final = {
    "redis": "holds messages and no tables",
    "flower": "looks at the broker alone",
    "postgres": "is what is migrated",
}
HOLDS_DATA: Final = {
    "airflow-cloud-postgres-namespace",
    "airflow-cloud-postgres-data",
    "airflow-logs",
    "airflow-celery-broker-data",
    "airflow-secrets-fernet-key",
    "airflow-secrets-jwt-key",
    "airflow-secrets-api-key",
    "airflow-secrets-admin-password",
    "airflow-secrets-broker-password",
    "airflow-secrets-flower-password",
}
"""Resources that `protect` covers: another `up` cannot restore them."""


def waits_for(recording: Recording, found: Registration) -> set[str]:
    """All resources created before a resource: its dependencies and those of its parents, transitively."""
    seen: set[str] = set()
    ahead = [found]
    while ahead:
        resource = ahead.pop()
        for urn in (*resource.dependencies, resource.parent):
            if urn not in seen and (next_one := recording.by_urn.get(urn)):
                seen.add(urn)
                ahead.append(next_one)
    return seen


def test_exactly_one_container_migrates_the_database() -> None:
    """T22."""
    for stack, recording in recordings():
        migrating = [
            f"{pod}: {container['name']}"
            for pod in pods(recording)
            for container in pod.containers
            if re.search(r"airflow\W+db\W+migrate", " ".join(container.get("args", [])))
        ]
        assert migrating == [f"pod of Job {recording.outputs['name']}-migrate-job: migration"], stack
    assert [w for w, _, c in every_container() if "upgrade" in c.get("args", []) or "initdb" in c.get("args", [])] == []


def test_everything_long_running_with_a_schema_waits_for_it() -> None:
    """And for the first user: the api-server creates the login's tables too, and one of both would fail."""
    offenders = []
    for stack, recording in recordings():
        migration = recording.the("Job", f"{recording.outputs['name']}-migrate-job").urn
        offenders += [
            f"{stack}: {pod}"
            for pod in pods(recording)
            if pod.owner.kind in LONG_RUNNING
            and pod.part not in BEFORE_THE_MIGRATION
            and migration not in waits_for(recording, pod.owner)
        ]
    assert offenders == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_the_schema_waits_for_the_server(executor: str) -> None:
    recording = recorded(executor)
    migration = recording.the("Job", "airflow-migrate-job")
    assert recording.the("StatefulSet", "airflow-cloud-postgres-server").urn in waits_for(recording, migration)


def test_everything_waits_for_the_objects_that_its_pods_name() -> None:
    """By data flow: the engine would not wait for a literal name, and an update would race."""
    offenders = []
    for stack, recording in recordings():
        named = {
            (found.kind, found.namespace, found.object_name): found
            for found in recording.of_type("Secret", "ConfigMap", "PersistentVolumeClaim", "ServiceAccount")
        }
        for pod in pods(recording):
            before = waits_for(recording, pod.owner)
            texts = {
                text
                for container in pod.containers
                for source in container.get("envFrom", [])
                for text in (("ConfigMap", source["configMapRef"]["name"]),)
            }
            texts |= {("ServiceAccount", pod.spec["serviceAccountName"])}
            texts |= {
                ("Secret", variable["valueFrom"]["secretKeyRef"]["name"])
                for container in pod.containers
                for variable in container.get("env", [])
                if "valueFrom" in variable
            }
            texts |= {
                ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
                for volume in pod.spec.get("volumes", [])
                if "persistentVolumeClaim" in volume
                # A claim that a setting names is not of this stack.
                and volume["persistentVolumeClaim"]["claimName"] not in OF_USERS
            }
            offenders += [
                f"{stack}: {pod} does not wait for {kind} {name}"
                for kind, name in texts
                if named[kind, pod.namespace, name].urn not in before
            ]
    assert offenders == []


def test_everything_waits_for_its_namespace() -> None:
    """And is therefore deleted before it: a namespace that is deleted first also deletes protected objects."""
    offenders = []
    for stack, recording in recordings():
        namespaces = {found.object_name: found.urn for found in recording.of_type("Namespace")}
        offenders += [
            f"{stack}: {found.kind} {found.name}"
            for found in recording.objects
            if found.namespace is not None and namespaces[found.namespace] not in waits_for(recording, found)
        ]
    assert offenders == []


def test_nothing_is_protected_unless_the_stack_says_so() -> None:
    offenders = [
        f"{stack}: {found.name}"
        for stack, recording in recordings()
        for found in recording.registrations
        if found.protect and recording.config.get("airflow:protect") not in {"true", True}
    ]
    assert offenders == []


def test_protect_keeps_what_holds_data_and_nothing_else() -> None:
    recording = recorded("both, protected")
    kept = {found.name for found in recording.registrations if found.protect}
    passwords = {f"airflow-cloud-postgres-{user}-password" for user in ("administrator", "metadata", "results")}
    assert kept - passwords == HOLDS_DATA


def test_the_log_claim_goes_with_its_namespace() -> None:
    """Task pods are not in state: a remaining pod uses the claim, whose deletion would wait forever."""
    recording = recorded("kubernetes")
    claim = recording.the("PersistentVolumeClaim", "airflow-logs")
    assert claim.deleted_with == recording.the("Namespace", "airflow-namespace").urn
    assert {found.name for found in recording.registrations if found.deleted_with} == {"airflow-logs"}


def test_an_update_of_workers_waits_as_long_as_their_tasks_may_take() -> None:
    recording = recorder.run(config("celery", executor_with={"workers": {"grace_seconds": 7200}}))
    worker = recording.the("Deployment", "airflow-worker")
    assert {int(worker.timeouts[step].removesuffix("s")) > 7200 for step in ("create", "update", "delete")} == {True}
    # The cluster itself reports a failed roll-out, and the engine fails with it.
    assert worker.plain["spec"]["progressDeadlineSeconds"] > 7200


def test_jobs_end_stay_and_are_retried() -> None:
    """A Job that is deleted by a time to live would be created and run again."""
    offenders = []
    for stack, recording in recordings():
        for job in recording.of_type("Job"):
            spec = job.plain["spec"]
            if (
                "ttlSecondsAfterFinished" in spec
                or not 1 <= spec["backoffLimit"] <= 6
                or spec["activeDeadlineSeconds"] != Migration().deadline_seconds
                or spec["template"]["spec"]["restartPolicy"] != "OnFailure"
                or not job.delete_before_replace
            ):
                offenders.append(f"{stack}: {job.name}: {spec}")
    assert offenders == []


def names(recording: Recording) -> dict[str, str]:
    return {job.name: job.object_name for job in recording.of_type("Job")}


@pytest.mark.parametrize(
    ("key", "value", "changed"),
    [
        ("image", {"reference": "apache/airflow:3.3.3", "version": "3.3.3"}, True),
        ("image", {"reference": "apache/airflow@sha256:" + "1" * 64}, True),
        ("admin", {"username": "root"}, True),
        ("components", {"scheduler": {"replicas": 2}, "api_server": {"memory_mib": 2048}}, False),
    ],
)
def test_the_database_is_migrated_again_exactly_when_image_server_or_first_user_changes(
    key: str, value: object, changed: bool
) -> None:
    before = names(recorded("celery"))
    after = names(recorder.run({**STACKS["celery"], f"airflow:{key}": value}))
    assert (before != after) is changed


@pytest.mark.parametrize("stack", ["both, example DAGs", "both, on a node's port", "both, several of each"])
def test_what_has_nothing_to_do_with_the_schema_migrates_nothing(stack: str) -> None:
    assert names(recorded(stack)) == names(recorded("celery+kubernetes"))


def test_another_database_is_migrated() -> None:
    before, after = names(recorded("celery")), names(recorded("celery, external database"))
    assert all(before[name] != after[name] for name in before)


def test_the_first_users_password_is_in_no_argument() -> None:
    """F51: arguments can be read by everyone who may list processes or pods."""
    for stack, recording in recordings():
        for pod in pods(recording):
            if pod.part == "migration":
                variables = {v["name"]: v for v in pod.main["env"]}
                assert "secretKeyRef" in variables["ADMIN_PASSWORD"]["valueFrom"], stack
                assert not any("--password" in argument for argument in pod.main["args"])
