"""Patches of pod specs: what they change in rendered pods, and what stays."""

from __future__ import annotations

from typing import Any, Final

import pytest

from components.kubernetes.pod_security import violations as restricted
from components.settings.pod_patch_checks import CONTAINER_FIELDS, POD_FIELDS, containers
from components.settings.sections.pods import PodAdditions
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.schemas import VERSIONS, violations
from tests.unit.recording.stacks import config, recorded
from tests.unit.recording.workloads import Pod, every_pod, pods

PATCHES: Final[dict[str, Any]] = {
    "all": {"patch": {"dnsConfig": {"options": [{"name": "ndots", "value": "2"}]}, "schedulerName": "all"}},
    "worker": {
        "sidecars": [{"name": "agent", "image": "agent:1"}],
        "patch": {
            "schedulerName": "own",
            "securityContext": {"supplementalGroups": [2000]},
            "initContainers": [{"name": "agent", "resources": {"limits": {"memory": "1Gi"}}}],
            "containers": [
                {
                    "name": "worker",
                    "livenessProbe": None,
                    "readinessProbe": {"periodSeconds": 7},
                    "resources": {"limits": {"nvidia.com/gpu": "1"}},
                    "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
                    "ports": [{"name": "metrics", "containerPort": 9102}],
                }
            ],
        },
    },
    "task": {
        "patch": {
            "containers": [
                {"name": "base", "env": [{"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "own", "key": "key"}}}]}
            ]
        }
    },
    "redis": {"patch": {"containers": [{"name": "redis", "resources": {"limits": {"cpu": "1"}}}]}},
}


@pytest.fixture(scope="module")
def patched() -> Recording:
    recording = recorder.run(config("celery+kubernetes", pods=PATCHES))
    assert recording.error is None, recording.error
    return recording


def by_part(recording: Recording) -> dict[str, Pod]:
    return {pod.part: pod for pod in pods(recording) if pod.part != "postgres"}


def test_a_patch_of_all_reaches_what_runs_airflow_and_the_one_of_a_workload_comes_after_it(patched: Recording) -> None:
    found = {part: pod.spec.get("schedulerName") for part, pod in by_part(patched).items()}
    assert found == {**dict.fromkeys(found, "all"), "worker": "own", "redis": None}
    assert by_part(patched)["worker"].spec["dnsConfig"] == {"options": [{"name": "ndots", "value": "2"}]}


def test_a_patch_changes_its_fields_and_leaves_the_others(patched: Recording) -> None:
    plain = recorder.run(config("celery+kubernetes", pods={"worker": {"sidecars": PATCHES["worker"]["sidecars"]}}))
    before, after = by_part(plain)["worker"], by_part(patched)["worker"]
    main = dict(before.main)
    del main["livenessProbe"]
    main["readinessProbe"] = {**main["readinessProbe"], "periodSeconds": 7}
    main["resources"] = {**main["resources"], "limits": {**main["resources"]["limits"], "nvidia.com/gpu": "1"}}
    main["env"] = [*main["env"], {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}]
    main["ports"] = [*main["ports"], {"name": "metrics", "containerPort": 9102}]
    assert {**after.main, "envFrom": main["envFrom"]} == main
    [agent] = after.spec["initContainers"]
    assert agent["resources"]["limits"] == {"memory": "1Gi"}
    assert agent["resources"]["requests"] == before.spec["initContainers"][0]["resources"]["requests"]
    assert after.spec["securityContext"] == {**before.spec["securityContext"], "supplementalGroups": [2000]}
    assert after.spec["serviceAccountName"] == before.spec["serviceAccountName"]


def test_a_patch_of_the_broker_reaches_it(patched: Recording) -> None:
    assert by_part(patched)["redis"].main["resources"]["limits"]["cpu"] == "1"


def test_the_policy_of_task_pods_allows_a_secret_that_a_patch_names(patched: Recording) -> None:
    policy = patched.the("ValidatingAdmissionPolicy", "airflow-tied-task-pods").plain
    [rule] = [
        each["expression"] for each in policy["spec"]["validations"] if each["message"].startswith("task pods read")
    ]
    assert '"own"' in rule


@pytest.mark.parametrize("version", VERSIONS)
def test_every_patched_pod_is_valid_in_the_strict_schema_of(version: str, patched: Recording) -> None:
    offenders = [
        f"{part}: {violation}"
        for part, pod in by_part(patched).items()
        for violation in violations(
            {"apiVersion": "v1", "kind": "Pod", "metadata": pod.metadata, "spec": pod.spec}, version
        )
    ]
    assert offenders == []


def test_every_pod_of_every_stack_passes_pod_security_as_patches_are_held_to_it() -> None:
    offenders = [f"{stack}: {pod}: {found}" for stack, _, pod in every_pod() for found in restricted(pod.spec)]
    assert offenders == []


def test_the_containers_that_patches_may_change_are_in_the_pods() -> None:
    for part, pod in by_part(recorded("celery+kubernetes")).items():
        found: Any = containers({}, part.replace("-", "_"))  # type: ignore[arg-type]
        assert found["containers"] == [pod.main["name"]]
        assert set(found["initContainers"]) == {each["name"] for each in pod.spec.get("initContainers", [])}


def test_every_field_that_the_program_sets_and_a_section_can_change_is_refused_in_patches() -> None:
    """Fields about which two settings would disagree."""
    open_fields = {"containers", "initContainers", "securityContext"}
    fields = {field for _, _, pod in every_pod() for field in pod.spec}
    assert fields - open_fields <= POD_FIELDS.keys()
    keys = {own for own in (*POD_FIELDS.values(), *CONTAINER_FIELDS.values()) if own is not None and ":" not in own}
    assert keys <= PodAdditions.model_fields.keys()
