"""The nodes that tasks run on."""

from __future__ import annotations

from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.contract.workloads import TASK_RUNNERS
from components.settings.sections.options import Reserved

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """Placement of workers and task pods on the cloud's nodes for tasks."""
    cloud = context.cloud
    return Feature(
        overlays=[
            PodOverlay(workloads=TASK_RUNNERS, node_selector=cloud.task_node_selector, taint=cloud.task_taint),
        ]
    )
