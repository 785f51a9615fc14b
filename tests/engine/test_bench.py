"""The benchmark's stacks are ones that the program takes, whatever becomes of its settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from cluster_fixture import TestCluster

from lab import node
from lab.bench import database, measure


@pytest.mark.parametrize("executor", measure.EXECUTORS)
def test_the_program_previews_the_stack_of_each_executor(
    executor: str, cluster: TestCluster, python: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable, value in python.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("LAB_STATE", str(tmp_path))
    monkeypatch.setattr(node, "kubeconfig", lambda: cluster.kubeconfig)
    stack = measure.bench_stack(executor)
    url = "postgresql://airflow:secret@192.0.2.1:5432/airflow"
    measure.use(stack, database.BenchDatabase(metadata_url=url, result_url=url.replace("/airflow", "/celery")))
    assert f"{stack.name}-api-server" in stack.preview().changes()["create"]
