"""Additions to pods on a real API server: Pod Security restricted accepts every pod, and nothing changes twice."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from lab.testing.cluster import TestCluster
from tests.engine.program_stacks import Life, config, done, program
from tests.unit.airflow.additions.test_patches import PATCHES
from tests.unit.recording.stacks_pods import PODS, SECRETS

NAMESPACE: Final = "additions"
PRIORITY_CLASSES: Final = ("airflow", "workers")
EVERYTHING: Final[dict[str, Any]] = {
    target: {**PODS.get(target, {}), "patch": PATCHES[target]["patch"]} if target in PATCHES else PODS[target]
    for target in {**PODS, **PATCHES}
}
KEY: Final = "airflow:secret_environment"


@pytest.fixture(scope="module")
def life(cluster: TestCluster, engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A stack with every addition, untouched, with another secret variable, and without additions."""
    for name in PRIORITY_CLASSES:
        cluster.api.create(
            "/apis/scheduling.k8s.io/v1/priorityclasses",
            {
                "apiVersion": "scheduling.k8s.io/v1",
                "kind": "PriorityClass",
                "metadata": {"name": name},
                "value": 1000,
            },
        )
    # The simulated nodes have no such labels, and no other scheduler exists.
    pods = {
        target: {
            **{key: value for key, value in own.items() if key != "node_selector"},
            "patch": {key: value for key, value in own.get("patch", {}).items() if key != "schedulerName"},
        }
        for target, own in EVERYTHING.items()
    }
    # Nor have they a GPU.
    [container] = pods["worker"]["patch"]["containers"]
    pods["worker"]["patch"]["containers"] = [{**container, "resources": {"limits": {"cpu": "4"}}}]
    whole = config(cluster.kubeconfig, "celery+kubernetes", name="additions", namespace=NAMESPACE, pods=pods)
    life = Life("additions", program(tmp_path_factory.mktemp("additions"), engine.environment, whole))
    for name, value in json.loads(SECRETS[KEY]["secure"]).items():
        life.stack.configure(f"{KEY}.{name}", value, secret=True, path=True)
    life.run("up", "up")
    life.look("up", cluster, NAMESPACE)
    life.run("untouched", "preview", "--expect-no-changes")
    life.run("again", "up", "--expect-no-changes")
    life.run("refresh", "refresh", "--expect-no-changes")
    life.stack.configure(f"{KEY}.WORKER_TOKEN", "another", secret=True, path=True)
    life.run("secret", "preview")
    life.run("destroy", "destroy")
    return life


def test_every_step_succeeds(life: Life) -> None:
    assert {step: run.messages() for step, run in life.runs.items() if run.code} == {}


def test_the_namespace_enforces_restricted_and_its_pods_have_what_was_added(life: Life) -> None:
    [namespace] = [found for found in life.live["up"] if found["kind"] == "Namespace"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    found = [each for each in life.live["up"] if each["kind"] == "Pod"]
    parts = {pod["metadata"]["labels"]["app.kubernetes.io/component"]: pod for pod in found}
    assert parts.keys() >= {"api-server", "scheduler", "dag-processor", "triggerer", "worker", "flower", "redis"}
    for part, pod in parts.items():
        assert pod["metadata"]["labels"]["cost-center"] == "42", part
        assert pod["spec"]["priorityClassName"] in PRIORITY_CLASSES, part
    worker = parts["worker"]["spec"]
    assert [each["name"] for each in worker["initContainers"]] == ["agent", "fetch"]
    assert worker["containers"][0]["resources"]["limits"]["cpu"] == "4"
    assert "livenessProbe" not in worker["containers"][0]
    assert worker["securityContext"]["supplementalGroups"] == [2000]


def test_a_changed_secret_variable_rolls_its_reader_alone(life: Life) -> None:
    assert done(life.runs["secret"]) == {
        "update": {"additions-worker"},
        "replace": {"additions-worker-environment"},
    }
