"""The time zone and the limits of scheduling reach the workloads that read them."""

from __future__ import annotations

from typing import Any, Final

import pytest

from components.contract.workloads import OPTION_READERS
from tests.unit.recording import recorder
from tests.unit.recording.stacks import STACKS, recorded
from tests.unit.recording.workloads import options_of, pods

STACK: Final = "both, several of each"


def readers(settings: dict[str, Any], variable: str) -> dict[str, str]:
    """The value of an option in each workload that has it."""
    recording = recorder.run({**STACKS[STACK], **settings})
    assert recording.error is None, recording.error
    found = {pod.part: options_of(recording, pod) for pod in pods(recording)}
    return {part: options[variable] for part, options in found.items() if variable in options}


@pytest.mark.parametrize(
    ("settings", "variable", "value"),
    [
        ({"airflow:timezone": "Europe/Berlin"}, "AIRFLOW__CORE__DEFAULT_TIMEZONE", "Europe/Berlin"),
        ({}, "AIRFLOW__CORE__DEFAULT_TIMEZONE", "UTC"),
        (
            {"airflow:scheduling": {"max_active_tasks_per_dag": 40}},
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG",
            "40",
        ),
        ({"airflow:scheduling": {"max_active_runs_per_dag": 3}}, "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG", "3"),
        ({}, "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG", "16"),
    ],
)
def test_everything_that_parses_or_shows_dags_agrees_on_it(settings: dict[str, Any], variable: str, value: str) -> None:
    assert readers(settings, variable) == dict.fromkeys(OPTION_READERS, value)


def test_parallelism_is_the_schedulers_and_replaces_the_number_of_slots() -> None:
    variable = "AIRFLOW__CORE__PARALLELISM"
    [scheduler] = [pod for pod in pods(recorded(STACK)) if pod.part == "scheduler"]
    slots = int(options_of(recorded(STACK), scheduler)[variable])
    assert readers({"airflow:scheduling": {"parallelism": slots + 5}}, variable) == {"scheduler": str(slots + 5)}
