"""The arithmetic of the benchmark."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

import pytest

from benchmarks import delivery
from benchmarks.clouds import critical_path
from lab.clouds.journal import Call
from lab.errors import LabError


def call(name: str, seconds: float, outcome: str = "ok") -> Call:
    urn = f"urn:pulumi:dev::airflow::x::{name}"
    return Call(op="create", type="x", id=name, urn=urn, started=0, ended=0, outcome=outcome, seconds=seconds)


def resource(name: str, *dependencies: str, parent: str = "", provider: str = "") -> dict[str, object]:
    def urn(each: str) -> str:
        return f"urn:pulumi:dev::airflow::x::{each}"

    return {
        "urn": urn(name),
        "dependencies": [urn(each) for each in dependencies],
        **({"parent": urn(parent)} if parent else {}),
        **({"provider": f"{urn(provider)}::the-id"} if provider else {}),
    }


def test_the_longest_chain_runs_through_dependencies_parents_and_providers() -> None:
    resources = [
        resource("root"),
        resource("network", parent="root"),
        resource("database", "network"),
        resource("cluster", "network"),
        resource("nodes", parent="cluster"),
        resource("kubernetes", "nodes"),
        resource("namespace", provider="kubernetes"),
    ]
    calls = [call("network", 10), call("database", 60), call("cluster", 40), call("nodes", 25), call("namespace", 1)]
    assert critical_path(resources, calls) == 10 + 40 + 25 + 1


def test_a_refused_call_is_no_part_of_a_chain() -> None:
    assert critical_path([resource("network")], [call("network", 500, "error"), call("network", 10)]) == 10


def test_the_start_of_a_task_has_two_phases() -> None:
    instance = {"queued_when": "2026-11-28T13:00:00Z", "start_date": "2026-11-28T13:00:03.5Z"}
    moment = datetime.fromisoformat("2026-11-28T13:00:04.25Z").timestamp()
    assert delivery.phases(instance, f"[info] first line at {moment} of version 1\n") == (3.5, 0.75)
    with pytest.raises(LabError, match="no line of the task"):
        delivery.phases(instance, "nothing")


def test_a_new_version_names_the_components_of_new_pods_but_not_those_of_tasks() -> None:
    def pod(uid: str, component: str) -> dict[str, Any]:
        return {"metadata": {"uid": uid, "labels": {"app.kubernetes.io/component": component}}}

    before = [pod("1", "scheduler"), pod("2", "worker"), pod("3", "migration")]
    after = [pod("1", "scheduler"), pod("4", "worker"), pod("5", "task"), pod("6", "dag-processor")]
    assert delivery.rolled(before, after) == ["dag-processor", "worker"]


def test_a_start_is_the_median_of_each_phase() -> None:
    start = delivery.task_start("git", "CeleryExecutor", [(1.0, 5.0), (2.0, 1.0), (9.0, 3.0)])
    assert (start.queued_to_running_seconds, start.running_to_first_line_seconds, start.shots) == (2.0, 3.0, 3)


def test_each_kind_of_source_has_a_dag_for_each_executor_of_its_stack() -> None:
    sources = {source["name"] for source in cast(Any, delivery.config("https://git.example.org/x")["airflow:dags"])}
    assert sources == {*delivery.SOURCES}
    for source in sources:
        texts = delivery.files(source)
        assert len(texts) == len(delivery.EXECUTORS)
        for executor in delivery.EXECUTORS:
            name = delivery.dag_id(source, executor)
            compile(texts[f"{name}.py"], name, "exec")
            assert f'executor="{executor}"' in texts[f"{name}.py"]
