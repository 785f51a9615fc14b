"""Fixtures of Airflow installations that tests share: one for each executor, one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from lab.images.names import PANDAS, PAPERMILL
from tests.cluster.installation import EXECUTORS, Installation

EXAMPLES = (
    "hello",
    "tutorial",
    "fan_out",
    "deferred",
    "executors",
    "airflow_tutorial_v01",
    "test_dag_v1",
)
POD_EXAMPLES = ("pod_example", "papermill_run")
"""Examples whose tasks start pods of projects."""
PROJECTS = [
    {
        "name": "example1",
        "image": PANDAS,
        "config": {"GREETING": "Good morning:"},
        "secrets": ["BIG_SECRET"],
        "data": {"kind": "volume", "size_gib": 1},
    },
    {"name": "notebooks", "image": PAPERMILL, "pool": {"slots": 1}},
]
"""The projects without which some examples are not delivered."""
SECRETS = {"project_secrets": json.dumps({"example1": {"BIG_SECRET": "12345678"}})}
NAMES = {"celery": "test-celery", "kubernetes": "test-kubernetes", "celery+kubernetes": "test-both"}

Finished = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session", params=EXECUTORS)
def airflow(
    request: pytest.FixtureRequest,
    airflow_images: None,
    task_images: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    """A running installation. Its tests run in the order of the files; the last file destroys it."""
    name = NAMES[request.param]
    installation = Installation(
        name=name,
        executor=request.param,
        folder=tmp_path_factory.mktemp(name),
        settings={"projects": PROJECTS},
        secrets=SECRETS,
    )
    installation.clear()
    try:
        installation.up()
        yield installation
    finally:
        installation.clear()


@pytest.fixture(scope="session")
def finished(airflow: Installation) -> Finished:
    """The task instances of one run of each example DAG, run in parallel."""
    return _run(airflow, EXAMPLES)


@pytest.fixture(scope="session")
def finished_pods(airflow: Installation, finished: Finished) -> Finished:
    """The task instances of one run of each example with pods of projects, after the others."""
    return _run(airflow, POD_EXAMPLES)


def _run(airflow: Installation, dags: Sequence[str]) -> Finished:
    client = airflow.client
    client.wait_for_dags(dags)
    runs = {dag: client.trigger(dag) for dag in dags}
    return {dag: airflow.finish(dag, run) for dag, run in runs.items()}
