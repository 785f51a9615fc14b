"""Effects of changed settings of dev and prod on existing resources, by logical name without the stack's prefix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

CHANGES: Final[Mapping[str, Mapping[str, Any]]] = {
    "dev": {
        "cloud__cluster__channel": "stable",
        "cloud__cluster__system_nodes__nodes_max": 5,
        "cloud__cluster__system_nodes__spot": True,
        "cloud__cluster__task_nodes": {"nodes_max": 2},
        "cloud__database__version": 18,
        "cloud__database__size": "db-custom-2-7680",
        "cloud__database__disk_gib": 20,
        "cloud__database__backup_retention_days": 14,
        "cloud__database__point_in_time_recovery": True,
        "cloud__database__audit": True,
        "cloud__maintenance": {"hour": 3},
        "cloud__registry": True,
        "logs__retention_days": 30,
        "executor__broker": {"size_gib": 40},
        "executor__workers__replicas": 3,
    },
    "prod": {
        "cloud__cluster__system_nodes__nodes_max": 7,
        "cloud__cluster__airflow_nodes__nodes_max": 15,
        "cloud__cluster__task_nodes": {"nodes_max": 2},
        "cloud__cluster__channel": "stable",
        "cloud__cluster__node_upgrades": "SecurityPatch",
        "cloud__cluster__endpoint__ranges": ["8.20.0.0/25"],
        "cloud__cluster__policy": False,
        "cloud__database__version": 18,
        "cloud__database__size": "Standard_D4ds_v5",
        "cloud__database__disk_gib": 256,
        "cloud__database__backup_retention_days": 21,
        "cloud__storage__redundancy": "gzrs",
        "cloud__storage__versions": False,
        "cloud__storage__deleted_kept_days": 21,
        "cloud__maintenance__hour": 3,
        "cloud__registry": "basic",
        "logs__retention_days": 60,
    },
}
"""Independent settings by stack, changed all at once."""
EXPECTED: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "dev": {
        "create": (
            "cloud-apis-artifacts",
            "cloud-nodes-tasks",
            "cloud-registry",
            "cloud-registry-readers",
            "cloud-registry-repository",
        ),
        "update": (
            # With another worker each thread of the API has fewer database connections.
            "api-server",
            # Not its claim, which has no storage class and can therefore not grow.
            "celery-broker-data-volume",
            "cloud-broker-disk",
            "cloud-cluster-gke",
            "cloud-database-server",
            "cloud-logs-bucket",
            # It queues as many tasks as workers have slots.
            "scheduler",
            "worker",
        ),
        # The defaults of pods that tasks start name the new nodes for tasks.
        "replace": ("api-server-options", "cloud-nodes-system", "pod-defaults", "scheduler-options"),
    },
    "prod": {
        "create": (
            "cloud-nodes-tasks",
            "cloud-registry",
            "cloud-registry-pull-role",
            "cloud-registry-registry",
        ),
        "update": (
            "cloud-cluster-aks",
            "cloud-cluster-kubernetes-maintenance",
            "cloud-cluster-nodes-maintenance",
            "cloud-database-server",
            "cloud-logs-account",
            "cloud-logs-expiry",
            "cloud-logs-service",
            "cloud-nodes-airflow",
            # It mounts the template.
            "scheduler",
        ),
        "replace": ("pod-defaults", "pod-defaults-tasks", "task-template"),
    },
}
"""Effects by stack: no resource with data is replaced, and only affected workloads roll."""
REFUSED: Final = {"cloud__region": "uksouth"}
"""Changes that would replace a protected stack's resources."""
