"""Options of airflow.cfg that are secrets: in a Secret of each workload that reads them, and nowhere else."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from components.airflow.config.additional_options import readers
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import config
from tests.unit.recording.workloads import Pod, pods

DSN: Final = "https://key@sentry.example.org/1"
HEADER: Final = "a secret of the api-server"


def run(options: dict[str, dict[str, str]]) -> Recording:
    stack = config("celery+kubernetes")
    recording = recorder.run({**stack, "airflow:secret_options": {"secure": json.dumps(options)}})
    assert recording.error is None, recording.error
    return recording


@pytest.fixture(scope="module")
def recording() -> Recording:
    # A section of every workload, and one of the api-server alone; names may be in any letters.
    return run({"sentry": {"sentry_dsn": DSN}, "API": {"X_token": HEADER}})


def by_part(recording: Recording) -> dict[str, Pod]:
    return {pod.part: pod for pod in pods(recording) if pod.part != "postgres"}


def references(pod: Pod) -> dict[str, Any]:
    return {
        each["name"]: each["valueFrom"]["secretKeyRef"]
        for each in pod.main.get("env", [])
        if each["name"].startswith(("AIRFLOW__SENTRY__", "AIRFLOW__API__X_"))
    }


def test_each_workload_has_the_secret_options_that_it_reads_and_no_others(recording: Recording) -> None:
    found = {part: set(references(pod)) for part, pod in by_part(recording).items()}
    wanted = {
        part: ({"AIRFLOW__SENTRY__SENTRY_DSN"} if part in readers(("sentry", "sentry_dsn")) else set())
        | ({"AIRFLOW__API__X_TOKEN"} if part == "api-server" else set())
        for part in found
    }
    assert found == wanted
    assert found["migration"] == found["redis"] == set()
    assert found["task"] != set()


def test_each_value_lies_in_a_secret_of_the_workloads_namespace(recording: Recording) -> None:
    secrets = {(each.namespace, each.object_name): each.plain["stringData"] for each in recording.of_type("Secret")}
    for part, pod in by_part(recording).items():
        values = {name: secrets[(pod.namespace, each["name"])][each["key"]] for name, each in references(pod).items()}
        assert values.get("AIRFLOW__SENTRY__SENTRY_DSN", DSN) == DSN, part
        assert values.get("AIRFLOW__API__X_TOKEN", HEADER) == HEADER


def test_no_value_is_in_any_other_object(recording: Recording) -> None:
    offenders = [
        f"{found.kind} {found.name}"
        for found in recording.objects
        if found.kind != "Secret" and any(text in json.dumps(found.plain, default=str) for text in (DSN, HEADER))
    ]
    assert offenders == []


def test_a_changed_option_restarts_its_readers_and_no_other(recording: Recording) -> None:
    other = run({"sentry": {"sentry_dsn": DSN}, "api": {"x_token": "new"}})
    key = "airflow/checksum"
    before, after = by_part(recording), by_part(other)
    rolled = {
        part
        for part, pod in before.items()
        if pod.metadata["annotations"].get(key) != after[part].metadata["annotations"].get(key)
    }
    assert rolled == {"api-server"}
