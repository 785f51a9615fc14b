"""Limits of how many tasks and DAG runs are active at once."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.settings.types import Model

Limit = Annotated[int, Field(ge=1, le=100_000)]


class Scheduling(Model):
    """Limits of how many tasks and DAG runs are active at once; a DAG may set its own."""

    parallelism: Limit | None = None
    """Maximum number of tasks that one scheduler has queued or running at once; default: the slots of all workers and
    task pods, divided by the number of schedulers. Tasks beyond the slots wait in the broker and fail there."""
    max_active_tasks_per_dag: Limit = 16
    """Maximum number of running tasks in one DAG run, unless the DAG sets `max_active_tasks`."""
    max_active_runs_per_dag: Limit = 16
    """Maximum number of active runs of one DAG, unless it sets `max_active_runs`."""
