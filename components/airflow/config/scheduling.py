"""Limits of how many tasks and DAG runs are active at once."""

from __future__ import annotations

from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.contract.workloads import OPTION_READERS
from components.settings.sections.options import Option, Reserved

PARALLELISM: Final[Option] = ("core", "parallelism")
ACTIVE_TASKS: Final[Option] = ("core", "max_active_tasks_per_dag")
ACTIVE_RUNS: Final[Option] = ("core", "max_active_runs_per_dag")

RESERVED: Final[Reserved] = {
    PARALLELISM: "airflow:scheduling.parallelism",
    ACTIVE_TASKS: "airflow:scheduling.max_active_tasks_per_dag",
    ACTIVE_RUNS: "airflow:scheduling.max_active_runs_per_dag",
}


def create_feature(context: InstanceContext) -> Feature:
    """The limits of the stack. Those of a DAG are defaults of its parameters, read wherever it is parsed."""
    scheduling = context.settings.scheduling
    overlays = [
        PodOverlay(
            workloads=OPTION_READERS,
            options={
                ACTIVE_TASKS: str(scheduling.max_active_tasks_per_dag),
                ACTIVE_RUNS: str(scheduling.max_active_runs_per_dag),
            },
        )
    ]
    if scheduling.parallelism is not None:
        overlays.append(PodOverlay(workloads={"scheduler"}, options={PARALLELISM: str(scheduling.parallelism)}))
    return Feature(overlays=overlays)
