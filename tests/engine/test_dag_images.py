"""Another image with DAG files, deployed by the engine: what is replaced, what changes in place, and what stays."""

from __future__ import annotations

from typing import Any

import pytest

from lab.testing.cluster import TestCluster
from tests.engine.program_stacks import Life, changed, config, done, identities, program

NAMESPACE = "dag-images"
IMAGES = ("registry.example.org/dags:1", "registry.example.org/dags:2")


@pytest.fixture(scope="module")
def life(cluster: TestCluster, engine: Any, tmp_path_factory: pytest.TempPathFactory) -> Life:
    """A stack with both executors: deployed, with another DAG image, and with more memory for task pods."""
    first = config(
        cluster.kubeconfig,
        "celery+kubernetes",
        name="images",
        namespace=NAMESPACE,
        dags=[{"kind": "oci", "reference": IMAGES[0]}],
    )
    second = changed(first, "dags", [{"kind": "oci", "reference": IMAGES[1]}])
    third = changed(second, "executor.task_pods", {"memory_mib": 1024})
    life = Life("images", program(tmp_path_factory.mktemp("images"), engine.environment, first))
    life.run("up", "up")
    life.look("up", cluster, NAMESPACE)
    own = life.stack.configured(second, "second")
    life.run("preview", "preview", *own)
    life.run("image", "up", *own)
    life.look("image", cluster, NAMESPACE)
    life.run("untouched", "preview", *own, "--expect-no-changes")
    life.run("memory", "preview", *life.stack.configured(third, "third"))
    life.run("destroy", "destroy", *own)
    return life


def test_every_step_succeeds(life: Life) -> None:
    assert {step: run.messages() for step, run in life.runs.items() if run.code} == {}


@pytest.mark.parametrize("step", ["preview", "image"])
def test_another_dag_image_updates_what_reads_dags_and_not_the_scheduler(life: Life, step: str) -> None:
    assert done(life.runs[step]) == {
        "update": {"images-dag-processor", "images-triggerer", "images-worker"},
        "replace": {"images-task-template"},
    }


def test_the_template_keeps_its_name_and_has_the_new_image(life: Life) -> None:
    templates = {
        step: [found for found in life.live[step] if "task-template" in found["metadata"]["name"]]
        for step in ("up", "image")
    }
    [before], [after] = templates["up"], templates["image"]
    assert before["metadata"]["name"] == after["metadata"]["name"]
    assert (IMAGES[0] in before["data"]["task.yaml"], IMAGES[1] in after["data"]["task.yaml"]) == (True, True)


def test_the_migration_and_the_schedulers_pods_stay(life: Life) -> None:
    jobs = [identities(life.live[step], "Job") for step in ("up", "image")]
    assert jobs[0] == jobs[1] != set()
    schedulers = [
        {found for found in identities(life.live[step], "Pod") if found[1].startswith("images-scheduler")}
        for step in ("up", "image")
    ]
    assert schedulers[0] == schedulers[1] != set()


def test_any_other_change_of_the_template_restarts_the_scheduler(life: Life) -> None:
    assert done(life.runs["memory"]) == {"update": {"images-scheduler"}, "replace": {"images-task-template"}}
