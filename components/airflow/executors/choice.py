"""The choice of the executor, and how many tasks the scheduler hands to it."""

from __future__ import annotations

import math
from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.contract.workloads import OPTION_READERS
from components.settings.sections.options import Reserved
from components.settings.stack import Settings

MIXED_QUEUED_SECONDS: Final = 3600
"""How long a task may wait in a queue where both executors share one limit. Airflow's own 600 s, and two more tries,
fail tasks that only wait for a free worker: https://github.com/apache/airflow/issues/34339."""

RESERVED: Final[Reserved] = {("core", "executor"): "airflow:executor.kind"}


def create_feature(context: InstanceContext) -> Feature:
    """The executor, for all workloads that read options, and its limits for the scheduler."""
    executor = context.settings.executor
    overlays = [
        PodOverlay(workloads=OPTION_READERS, options={("core", "executor"): executor.AIRFLOW_NAME}),
        PodOverlay(
            workloads={"scheduler"}, default_options={("core", "parallelism"): str(parallelism(context.settings))}
        ),
    ]
    if executor.celery is not None and executor.pods is not None:
        overlays.append(
            PodOverlay(
                workloads={"scheduler"},
                default_options={("scheduler", "task_queued_timeout"): str(MIXED_QUEUED_SECONDS)},
            )
        )
    return Feature(overlays=overlays)


def parallelism(settings: Settings) -> int:
    """Number of tasks that one scheduler may have queued or running: no more than there are slots.

    Tasks that Airflow queues beyond the slots wait in the broker, and Airflow fails them after a time limit.
    """
    celery, task_pods = settings.executor.celery, settings.executor.pods
    slots = celery.workers.replicas * celery.workers.concurrency if celery is not None else 0
    slots += task_pods.max_running_tasks if task_pods is not None else 0
    return math.ceil(slots / settings.components.scheduler.replicas)
