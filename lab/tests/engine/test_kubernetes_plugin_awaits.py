"""Readiness of objects, and messages when they are not ready. One update for all rows, then the recovery."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.engine.stack import Run
from lab.testing.cluster import TestCluster
from lab.tests.engine.kubernetes_program import (
    Object,
    annotated,
    declared,
    job,
    ops,
    pod_template,
    trial,
    workload,
)

SECONDS = "30"
"""Enough for simulated pods on a busy machine (10 were too few); endpoints need the same time."""


def _limited(manifest: Object, **annotations: str) -> Object:
    return annotated(manifest, timeoutSeconds=SECONDS, **annotations)


def _service(**spec: object) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {}, "spec": {"ports": [{"port": 80}], **spec}}


def _claim(storage_class: str) -> Object:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {}, "spec": spec}


def _with_claim() -> Object:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": {"$name": "claim-late"}}}
    template = pod_template(app="claimed")
    return workload("Deployment", app="claimed", template=template | {"spec": template["spec"] | {"volumes": [volume]}})


READY: dict[str, Object] = {
    "deployment": workload("Deployment", app="good"),
    "statefulset": workload("StatefulSet", app="goodset", replicas=2),
    "job": job(),
    "claim": _claim("simulated"),
    # Waits for a pod, which the Deployment below creates after the claim.
    "claim-late": _claim("simulated-late"),
    "claimed": declared(_with_claim(), after=["claim-late"]),
    "service": declared(_service(selector={"app": "good"}), after=["deployment"]),
    "service-of-nothing": _service(selector={"app": "nothing"}),
    "headless": _service(selector={"app": "broken"}, clusterIP="None"),
    "external": _service(type="ExternalName", externalName="example.invalid"),
    "skipped": annotated(workload("Deployment", "broken", app="skipped"), skipAwait="true"),
}

NOT_READY: dict[str, tuple[Object, Object, tuple[str, ...]]] = {
    "broken-deployment": (
        _limited(workload("Deployment", "broken", app="broken")),
        workload("Deployment", app="broken"),
        ("timed out waiting to be Ready", "[Pod ", "[main]", "[ImagePullBackOff]", 'Back-off pulling image "broken"'),
    ),
    "broken-statefulset": (
        _limited(workload("StatefulSet", "broken", app="brokenset", podManagementPolicy="Parallel")),
        workload("StatefulSet", app="brokenset", podManagementPolicy="Parallel"),
        ("0 out of 1 replicas succeeded readiness checks", "[ImagePullBackOff]"),
    ),
    "failing-job": (
        job("failing", backoffLimit=0),
        job("app:2", backoffLimit=0),
        ("[BackoffLimitExceeded]", "failed to initialize"),
    ),
    "unready-service": (
        # Longer than endpoints need: the failure must be their unreadiness.
        declared(annotated(_service(selector={"app": "unready"}), timeoutSeconds="45"), after=["unready"]),
        declared(_service(type="ExternalName", externalName="example.invalid"), after=["unready"]),
        ("does not target any Pods",),
    ),
    "custom-timeout": (
        declared(workload("Deployment", "broken", app="custom"), timeout=f"{SECONDS}s"),
        workload("Deployment", app="custom"),
        ("timed out waiting to be Ready",),
    ),
}

OTHERS = {"unready": annotated(workload("Deployment", "unready", app="unready"), skipAwait="true")}


@dataclass(frozen=True)
class Awaited:
    first: Run
    recorded: Mapping[str, Object]
    """Resources in state after the first update."""
    failed: dict[str, list[str]]
    """Recorded reasons by resource after the first update."""
    refreshed: dict[str, list[str]]
    second: Run
    recovered: dict[str, list[str]]


def _reasons(recorded: Mapping[str, Object]) -> dict[str, list[str]]:
    return {name: entry["initErrors"] for name, entry in recorded.items() if entry.get("initErrors")}


def _await(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> Awaited:
    made = trial(environment, cluster, folder)
    made.declare(OTHERS | READY | {name: row[0] for name, row in NOT_READY.items()})
    first = made.stack.up("--continue-on-error", check=False)
    recorded = made.recorded()
    made.stack.refresh(check=False)
    refreshed = _reasons(made.recorded())
    made.declare(OTHERS | READY | {name: row[1] for name, row in NOT_READY.items()})
    second = made.stack.up("--continue-on-error", check=False)
    recovered = made.recorded()
    return Awaited(first, recorded, _reasons(recorded), refreshed, second, _reasons(recovered))


SCENARIOS = {"awaits": _await}


@pytest.fixture(scope="module")
def awaited(scenarios: Mapping[str, Future[Awaited]]) -> Awaited:
    return scenarios["awaits"].result()


@pytest.mark.parametrize("name", READY)
def test_an_object_that_becomes_ready_is_recorded_without_complaint(awaited: Awaited, name: str) -> None:
    assert name not in awaited.failed
    assert awaited.recorded[name]["outputs"]["metadata"]["uid"]


@pytest.mark.parametrize("name", NOT_READY)
def test_an_object_that_does_not_become_ready_fails_with_its_cause(awaited: Awaited, name: str) -> None:
    reasons = "\n".join(awaited.failed[name])
    assert [text for text in NOT_READY[name][2] if text not in reasons] == []


def test_the_update_fails_and_its_message_names_pod_and_cause(awaited: Awaited) -> None:
    said = "\n".join(awaited.first.messages())
    assert awaited.first.code != 0
    assert "[Pod " in said
    assert "[ImagePullBackOff]" in said


@pytest.mark.parametrize("name", NOT_READY)
def test_an_object_that_is_not_ready_stays_in_state_and_its_correction_recovers(awaited: Awaited, name: str) -> None:
    done = ops(awaited.second)[name]
    assert ("create-replacement" if name == "failing-job" else "update") in done
    assert name not in awaited.recovered


def test_a_refresh_reports_what_is_not_ready_now(awaited: Awaited) -> None:
    looked_at = {"broken-deployment", "broken-statefulset", "failing-job", "custom-timeout"}
    assert looked_at <= set(awaited.refreshed)
    assert "[ImagePullBackOff]" in "\n".join(awaited.refreshed["broken-deployment"])


def test_waiting_shows_how_far_it_is(awaited: Awaited) -> None:
    shown = [event["diagnosticEvent"] for event in awaited.first.events("diagnosticEvent")]
    ephemeral = [entry["message"] for entry in shown if entry.get("ephemeral")]
    assert any("[1/2] Waiting for StatefulSet to create Pods" in text for text in ephemeral)
    assert any("Waiting for app ReplicaSet to be available (0/1 Pods available)" in text for text in ephemeral)
