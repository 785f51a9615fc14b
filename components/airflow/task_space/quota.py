"""Limits of the namespace for tasks: the sum over its pods, and defaults of containers without requests."""

from __future__ import annotations

from typing import Final

from pulumi_kubernetes.core.v1 import (
    LimitRange,
    LimitRangeItemArgs,
    LimitRangeSpecArgs,
    ResourceQuota,
    ResourceQuotaSpecArgs,
)

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature
from components.settings.sections.options import Reserved

SCRATCH_REQUEST: Final = "64Mi"
"""Requested disk space of a container whose author requests none: sidecars and init containers use little."""

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """Registers the quota and the limit range; nothing without pods of operators."""
    settings = context.settings
    if not settings.pod_operator.enabled:
        return Feature()
    limits, container = settings.task_limits, context.resources(settings.pod_operator)
    memory = f"{container.memory_mib}Mi"
    metadata = context.metadata("task-quota", namespace=context.task_namespace)
    ResourceQuota(
        f"{context.name}-task-quota",
        metadata=metadata,
        spec=ResourceQuotaSpecArgs(
            hard={
                "pods": str(limits.pods),
                "requests.cpu": f"{limits.cpu_milli}m",
                "requests.memory": f"{limits.memory_mib}Mi",
            }
        ),
        opts=context.child,
    )
    LimitRange(
        f"{context.name}-task-limits",
        metadata=context.metadata("task-limits", namespace=context.task_namespace),
        spec=LimitRangeSpecArgs(
            limits=[
                LimitRangeItemArgs(
                    type="Container",
                    default_request={
                        "cpu": f"{container.cpu_milli}m",
                        "memory": memory,
                        "ephemeral-storage": SCRATCH_REQUEST,
                    },
                    default={"memory": memory, "ephemeral-storage": f"{settings.pod_operator.scratch_gib}Gi"},
                )
            ]
        ),
        opts=context.child,
    )
    return Feature()
