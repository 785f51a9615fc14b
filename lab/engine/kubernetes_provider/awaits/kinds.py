"""Which awaiter a kind has. A kind that is not here is ready as soon as it is written."""

from __future__ import annotations

from typing import Final

from lab.engine.kubernetes_provider.awaits.awaiter import Awaiter
from lab.engine.kubernetes_provider.awaits.deployment import DeploymentAwaiter
from lab.engine.kubernetes_provider.awaits.job import JobAwaiter
from lab.engine.kubernetes_provider.awaits.pods import PodAwaiter
from lab.engine.kubernetes_provider.awaits.service import IngressAwaiter, ServiceAwaiter
from lab.engine.kubernetes_provider.awaits.sets import DaemonSetAwaiter, StatefulSetAwaiter
from lab.engine.kubernetes_provider.awaits.storage import (
    ClaimAwaiter,
    QuotaAwaiter,
    ReplicationControllerAwaiter,
    TokenAwaiter,
    VolumeAwaiter,
)

AWAITERS: Final[dict[tuple[str, str], type[Awaiter]]] = {
    ("apps/v1", "DaemonSet"): DaemonSetAwaiter,
    ("apps/v1", "Deployment"): DeploymentAwaiter,
    ("apps/v1", "StatefulSet"): StatefulSetAwaiter,
    ("batch/v1", "Job"): JobAwaiter,
    ("networking.k8s.io/v1", "Ingress"): IngressAwaiter,
    ("v1", "PersistentVolume"): VolumeAwaiter,
    ("v1", "PersistentVolumeClaim"): ClaimAwaiter,
    ("v1", "Pod"): PodAwaiter,
    ("v1", "ReplicationController"): ReplicationControllerAwaiter,
    ("v1", "ResourceQuota"): QuotaAwaiter,
    ("v1", "Secret"): TokenAwaiter,
    ("v1", "Service"): ServiceAwaiter,
}

LOOKED_AT: Final = frozenset({"DaemonSet", "Deployment", "Ingress", "Job", "Pod", "Service", "StatefulSet"})
"""Kinds whose readiness a refresh checks as well."""
