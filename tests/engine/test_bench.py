"""The benchmark's stacks have valid settings."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from benchmarks import database, delivery, measure
from lab.testing.cluster import TestCluster
from tests.engine.program_stacks import program


def _preview(executor: str, environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> list[str]:
    """The names of the resources that a first `up` would create."""
    variables = {**environment, "KUBECONFIG": str(cluster.kubeconfig)}
    stack = program(folder, variables, measure.config(executor, "compiled"), name=measure.stack_name(executor))
    url = "postgresql://airflow:secret@192.0.2.1:5432/airflow"
    measure.use(stack, database.BenchDatabase(metadata_url=url, result_url=url.replace("/airflow", "/celery")))
    return stack.preview().changes()["create"]


def _preview_delivery(environment: Mapping[str, str], cluster: TestCluster, folder: Path) -> list[str]:
    variables = {**environment, "KUBECONFIG": str(cluster.kubeconfig)}
    stack = program(folder, variables, delivery.config("https://192.0.2.1/dags.git"), name=delivery.NAME)
    url = "postgresql://airflow:secret@192.0.2.1:5432/airflow"
    given = database.BenchDatabase(metadata_url=url, result_url=url.replace("/airflow", "/celery"))
    delivery.configure(stack, given, "token")
    return stack.preview().changes()["create"]


SCENARIOS: Final = {
    **{f"bench {executor}": partial(_preview, executor) for executor in measure.EXECUTORS},
    "bench delivery": _preview_delivery,
}


@pytest.mark.parametrize("executor", measure.EXECUTORS)
def test_the_program_previews_the_stack_of_each_executor(executor: str, scenarios: dict[str, Future[Any]]) -> None:
    assert f"{measure.stack_name(executor)}-api-server" in scenarios[f"bench {executor}"].result()


def test_the_program_previews_the_stack_with_a_source_of_each_kind(scenarios: dict[str, Future[Any]]) -> None:
    assert f"{delivery.NAME}-git-git" in scenarios["bench delivery"].result()
