"""Fixtures of Airflow installations that tests share: one for each executor, one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.installation import EXECUTORS, Installation

EXAMPLES = ("hello", "tutorial", "fan_out", "deferred", "executors", "airflow_tutorial_v01", "test_dag_v1")
NAMES = {"celery": "test-celery", "kubernetes": "test-kubernetes", "celery+kubernetes": "test-both"}

Finished = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="session", params=EXECUTORS)
def airflow(
    request: pytest.FixtureRequest, airflow_images: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """A running installation. Its tests run in the order of the files; the last file destroys it."""
    name = NAMES[request.param]
    installation = Installation(name=name, executor=request.param, folder=tmp_path_factory.mktemp(name))
    installation.clear()
    try:
        installation.up()
        yield installation
    finally:
        installation.clear()


@pytest.fixture(scope="session")
def finished(airflow: Installation) -> Finished:
    """The task instances of one run of each example DAG, run in parallel."""
    client = airflow.client
    client.wait_for_dags(EXAMPLES)
    runs = {dag: client.trigger(dag) for dag in EXAMPLES}
    return {dag: airflow.finish(dag, run) for dag, run in runs.items()}
