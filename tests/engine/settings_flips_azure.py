"""What each setting of Azure does alone, on a protected stack with both executors, a share and a Gateway."""

from __future__ import annotations

from typing import Any, Final

BASE: Final = {
    "protect": True,
    "dags": {"kind": "share", "size_gib": 100},
    "cloud__cluster__endpoint": {"kind": "authorized_ranges", "ranges": ["8.20.0.0/24"]},
    "cloud__cluster__airflow_nodes": {"machine_size": "Standard_D4ds_v5"},
}
"""Beside docs/stacks/azure-celery-kubernetes.yaml."""

CLUSTER: Final = (
    "~cloud-cluster-aks ~cloud-identities-api-server-federation ~cloud-identities-task-federation "
    "~cloud-identities-triggerer-federation ~cloud-identities-worker-federation ±cloud-registry-pull-role"
)
"""A changed cluster; until it is, its issuer and its nodes' identity are unknown to a preview."""

FLIPS: Final[dict[str, tuple[Any, str]]] = {
    "cloud.subscription_id": (
        "11111111-1111-1111-1111-111111111111",
        "refused: airflow:cloud.subscription_id: '11111111-1111-1111-1111-111111111111' is another subscription",
    ),
    "cloud.location": ("uksouth", "protected: celery-broker-data cloud-group dags"),
    "cloud.zones": (["1", "2"], f"{CLUSTER} ±cloud-nodes-airflow ±cloud-nodes-tasks"),
    "cloud.network.network": ("10.42.0.0/17", "~cloud-network-vnet"),
    "cloud.network.nodes": ("10.42.32.0/20", "protected: celery-broker-data cloud-cluster-aks dags"),
    "cloud.network.database": (
        "10.42.16.64/27",
        "protected: cloud-database-server cloud-database-metadata cloud-database-results celery-broker-data dags",
    ),
    "cloud.network.endpoints": ("10.42.16.96/27", ""),
    "cloud.network.pods": ("10.245.0.0/16", "protected: celery-broker-data cloud-cluster-aks dags"),
    "cloud.network.services": ("10.97.0.0/16", "protected: celery-broker-data cloud-cluster-aks dags"),
    "cloud.network.outbound": ("nat_gateway", "protected: celery-broker-data cloud-cluster-aks dags"),
    "cloud.network.private_endpoints": (
        True,
        (
            "+cloud-files-file-endpoint +cloud-files-file-link +cloud-files-file-names +cloud-files-file-zone "
            "+cloud-logs-blob-endpoint +cloud-logs-blob-link +cloud-logs-blob-names +cloud-logs-blob-zone "
            "+cloud-network-endpoints-rules +cloud-network-endpoints-subnet ~cloud-files-account "
            "~cloud-logs-account ~cloud-network-nodes-subnet"
        ),
    ),
    "cloud.cluster.tier": ("premium", CLUSTER),
    "cloud.cluster.endpoint.kind": ({"kind": "public"}, CLUSTER),
    "cloud.cluster.endpoint.ranges": (["8.20.0.0/25", "8.20.9.7/32"], CLUSTER),
    "cloud.cluster.login": ("workloadidentity", "~cloud-kubernetes"),
    "cloud.cluster.admin_groups": (["22222222-2222-2222-2222-222222222222"], CLUSTER),
    "cloud.cluster.system_nodes.machine_size": ("Standard_D8ds_v5", CLUSTER),
    "cloud.cluster.system_nodes.nodes_min": (2, CLUSTER),
    "cloud.cluster.system_nodes.nodes_max": (5, CLUSTER),
    "cloud.cluster.system_nodes.disk": ("managed", CLUSTER),
    "cloud.cluster.system_nodes.disk_gib": (80, CLUSTER),
    "cloud.cluster.airflow_nodes.machine_size": ("Standard_D8ds_v5", "±cloud-nodes-airflow"),
    "cloud.cluster.airflow_nodes.nodes_min": (2, "~cloud-nodes-airflow"),
    "cloud.cluster.airflow_nodes.nodes_max": (5, "~cloud-nodes-airflow"),
    "cloud.cluster.airflow_nodes.disk": ("managed", "±cloud-nodes-airflow"),
    "cloud.cluster.airflow_nodes.disk_gib": (80, "±cloud-nodes-airflow"),
    "cloud.cluster.task_nodes.machine_size": ("Standard_D8ds_v5", "±cloud-nodes-tasks"),
    "cloud.cluster.task_nodes.nodes_min": (1, "~cloud-nodes-tasks"),
    "cloud.cluster.task_nodes.nodes_max": (9, "~cloud-nodes-tasks"),
    "cloud.cluster.task_nodes.disk": ("managed", "±cloud-nodes-tasks"),
    "cloud.cluster.task_nodes.disk_gib": (80, "±cloud-nodes-tasks"),
    "cloud.cluster.task_nodes.spot": (False, "~scheduler ~worker ±cloud-nodes-tasks ±task-template"),
    "cloud.cluster.upgrades": ("stable", CLUSTER),
    "cloud.cluster.node_upgrades": ("SecurityPatch", CLUSTER),
    "cloud.cluster.encryption_at_host": (True, f"{CLUSTER} ±cloud-nodes-airflow ±cloud-nodes-tasks"),
    "cloud.cluster.policy": (True, CLUSTER),
    "cloud.cluster.audit": (True, "+cloud-audit +cloud-audit-setting +cloud-audit-workspace"),
    "cloud.database.version": (18, "~cloud-database-server"),
    "cloud.database.size": ("Standard_D4ds_v5", "~cloud-database-server"),
    "cloud.database.high_availability": ("zone_redundant", "~cloud-database-server"),
    "cloud.database.disk_gib": (128, ""),
    "cloud.database.backup_days": (21, "~cloud-database-server"),
    "cloud.database.geo_redundant_backup": (True, "protected: cloud-database-results cloud-database-server"),
    "cloud.database.audit": (
        True,
        (
            "+cloud-audit +cloud-audit-database-setting +cloud-audit-workspace "
            "+cloud-database-connection-throttle-enable +cloud-database-log-statement"
        ),
    ),
    "cloud.storage.redundancy": ("gzrs", "~cloud-files-account ~cloud-logs-account"),
    "cloud.storage.versions": (True, "~cloud-logs-expiry ~cloud-logs-service"),
    "cloud.storage.deleted_kept_days": (21, "~cloud-files-service ~cloud-logs-service"),
    "cloud.storage.allowed_ranges": (["8.20.0.0/30"], "~cloud-files-account ~cloud-logs-account"),
    "cloud.shares.protocol": ("nfs", "refused: cloud.shares.tier: 'standard' has no shares by NFS"),
    "cloud.shares.tier": ("premium", "protected: cloud-files-account celery-broker-data dags"),
    "cloud.broker_disk.tier": ("standard", "~cloud-broker-disk"),
    "cloud.broker_disk.kept": (True, "protected: celery-broker-data celery-broker-data-volume cloud-broker-disk dags"),
    "cloud.registry": ("premium", "~cloud-registry-registry"),
    "cloud.maintenance.day": (
        "sunday",
        ("~cloud-cluster-kubernetes-maintenance ~cloud-cluster-nodes-maintenance ~cloud-database-server"),
    ),
    "cloud.maintenance.hour": (
        3,
        ("~cloud-cluster-kubernetes-maintenance ~cloud-cluster-nodes-maintenance ~cloud-database-server"),
    ),
    "cloud.maintenance.duration_hours": (6, "~cloud-cluster-kubernetes-maintenance ~cloud-cluster-nodes-maintenance"),
    "cloud.tags": (
        {"Instance": "x"},
        "refused: airflow:cloud.tags: {'Instance': 'x'} has the name 'Instance', of a tag that this program",
    ),
    "cloud.ignored_tags": (["cost-center"], ""),
    "cloud.production_data": (True, ""),
}
