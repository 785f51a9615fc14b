"""Effects of each single setting of Azure, on a protected stack with both executors, a share and a Gateway."""

from __future__ import annotations

from typing import Final

from tests.engine.settings_effects import Changes, Flip, Flips, Protected, Refused

BASE: Final = {
    "protect": True,
    "dags": [{"kind": "share", "size_gib": 100}],
    "cloud__cluster__endpoint": {"kind": "authorized_ranges", "ranges": ["8.20.0.0/24"]},
    "cloud__cluster__airflow_nodes": {"machine_type": "Standard_D4ds_v5"},
}
"""In addition to docs/stacks/azure-celery-kubernetes.yaml."""

CLUSTER: Final = Changes(
    updates={
        "cloud-cluster-aks",
        "cloud-identities-api-server-federation",
        "cloud-identities-pod-federation",
        "cloud-identities-task-federation",
        "cloud-identities-triggerer-federation",
        "cloud-identities-worker-federation",
    },
    replaces={"cloud-registry-pull-role"},
)
"""A changed cluster, whose issuer and node identity are unknown in a preview."""

FLIPS: Final[Flips] = {
    "cloud.subscription_id": Flip(
        "11111111-1111-1111-1111-111111111111",
        Refused("airflow:cloud.subscription_id: '11111111-1111-1111-1111-111111111111' differs from"),
    ),
    "cloud.region": Flip("uksouth", Protected({"celery-broker-data", "cloud-group", "dags"})),
    "cloud.zones": Flip(["1", "2"], CLUSTER | Changes(replaces={"cloud-nodes-airflow", "cloud-nodes-tasks"})),
    "cloud.network.network": Flip("10.42.0.0/17", Changes(updates={"cloud-network-vnet"})),
    "cloud.network.nodes": Flip("10.42.32.0/20", Protected({"celery-broker-data", "cloud-cluster-aks", "dags"})),
    "cloud.network.database": Flip(
        "10.42.16.64/27",
        Protected(
            {"celery-broker-data", "cloud-database-metadata", "cloud-database-results", "cloud-database-server", "dags"}
        ),
    ),
    "cloud.network.endpoints": Flip("10.42.16.96/27", Changes()),
    "cloud.network.pods": Flip("10.245.0.0/16", Protected({"celery-broker-data", "cloud-cluster-aks", "dags"})),
    "cloud.network.services": Flip("10.97.0.0/16", Protected({"celery-broker-data", "cloud-cluster-aks", "dags"})),
    "cloud.network.outbound": Flip("nat_gateway", Protected({"celery-broker-data", "cloud-cluster-aks", "dags"})),
    "cloud.network.private_endpoints": Flip(
        True,
        Changes(
            creates={
                "cloud-files-file-endpoint",
                "cloud-files-file-link",
                "cloud-files-file-names",
                "cloud-files-file-zone",
                "cloud-logs-blob-endpoint",
                "cloud-logs-blob-link",
                "cloud-logs-blob-names",
                "cloud-logs-blob-zone",
                "cloud-network-endpoints-rules",
                "cloud-network-endpoints-subnet",
            },
            updates={"cloud-files-account", "cloud-logs-account", "cloud-network-nodes-subnet"},
        ),
    ),
    "cloud.cluster.tier": Flip("premium", CLUSTER),
    "cloud.cluster.endpoint.kind": Flip({"kind": "public"}, CLUSTER),
    "cloud.cluster.endpoint.ranges": Flip(["8.20.0.0/25", "8.20.9.7/32"], CLUSTER),
    "cloud.cluster.login": Flip("workloadidentity", Changes(updates={"cloud-kubernetes"})),
    "cloud.cluster.admin_groups": Flip(["22222222-2222-2222-2222-222222222222"], CLUSTER),
    "cloud.cluster.system_nodes.machine_type": Flip("Standard_D8ds_v5", CLUSTER),
    "cloud.cluster.system_nodes.nodes_min": Flip(2, CLUSTER),
    "cloud.cluster.system_nodes.nodes_max": Flip(5, CLUSTER),
    "cloud.cluster.system_nodes.disk": Flip("managed", CLUSTER),
    "cloud.cluster.system_nodes.disk_gib": Flip(80, CLUSTER),
    "cloud.cluster.airflow_nodes.machine_type": Flip("Standard_D8ds_v5", Changes(replaces={"cloud-nodes-airflow"})),
    "cloud.cluster.airflow_nodes.nodes_min": Flip(2, Changes(updates={"cloud-nodes-airflow"})),
    "cloud.cluster.airflow_nodes.nodes_max": Flip(5, Changes(updates={"cloud-nodes-airflow"})),
    "cloud.cluster.airflow_nodes.disk": Flip("managed", Changes(replaces={"cloud-nodes-airflow"})),
    "cloud.cluster.airflow_nodes.disk_gib": Flip(80, Changes(replaces={"cloud-nodes-airflow"})),
    "cloud.cluster.task_nodes.machine_type": Flip("Standard_D8ds_v5", Changes(replaces={"cloud-nodes-tasks"})),
    "cloud.cluster.task_nodes.nodes_min": Flip(1, Changes(updates={"cloud-nodes-tasks"})),
    "cloud.cluster.task_nodes.nodes_max": Flip(9, Changes(updates={"cloud-nodes-tasks"})),
    "cloud.cluster.task_nodes.disk": Flip("managed", Changes(replaces={"cloud-nodes-tasks"})),
    "cloud.cluster.task_nodes.disk_gib": Flip(80, Changes(replaces={"cloud-nodes-tasks"})),
    "cloud.cluster.task_nodes.spot": Flip(
        False, Changes(updates={"scheduler", "worker"}, replaces={"cloud-nodes-tasks", "task-template"})
    ),
    "cloud.cluster.channel": Flip("stable", CLUSTER),
    "cloud.cluster.node_upgrades": Flip("SecurityPatch", CLUSTER),
    "cloud.cluster.encryption_at_host": Flip(
        True, CLUSTER | Changes(replaces={"cloud-nodes-airflow", "cloud-nodes-tasks"})
    ),
    "cloud.cluster.policy": Flip(True, CLUSTER),
    "cloud.cluster.audit": Flip(True, Changes(creates={"cloud-audit", "cloud-audit-setting", "cloud-audit-workspace"})),
    "cloud.database.version": Flip(18, Changes(updates={"cloud-database-server"})),
    "cloud.database.size": Flip("Standard_D4ds_v5", Changes(updates={"cloud-database-server"})),
    "cloud.database.high_availability": Flip("zone_redundant", Changes(updates={"cloud-database-server"})),
    "cloud.database.disk_gib": Flip(128, Changes()),
    "cloud.database.backup_retention_days": Flip(21, Changes(updates={"cloud-database-server"})),
    "cloud.database.geo_redundant_backup": Flip(True, Protected({"cloud-database-results", "cloud-database-server"})),
    "cloud.database.audit": Flip(
        True,
        Changes(
            creates={
                "cloud-audit",
                "cloud-audit-database-setting",
                "cloud-audit-workspace",
                "cloud-database-connection-throttle-enable",
                "cloud-database-log-statement",
            }
        ),
    ),
    "cloud.storage.redundancy": Flip("gzrs", Changes(updates={"cloud-files-account", "cloud-logs-account"})),
    "cloud.storage.versions": Flip(True, Changes(updates={"cloud-logs-expiry", "cloud-logs-service"})),
    "cloud.storage.deleted_kept_days": Flip(21, Changes(updates={"cloud-files-service", "cloud-logs-service"})),
    "cloud.storage.allowed_ranges": Flip(
        ["8.20.0.0/30"], Changes(updates={"cloud-files-account", "cloud-logs-account"})
    ),
    "cloud.shares.protocol": Flip("nfs", Refused("cloud.shares.tier: 'standard' does not support NFS")),
    "cloud.shares.tier": Flip("premium", Protected({"celery-broker-data", "cloud-files-account", "dags"})),
    "cloud.broker_disk.tier": Flip("standard", Changes(updates={"cloud-broker-disk"})),
    "cloud.broker_disk.kept": Flip(
        True, Protected({"celery-broker-data", "celery-broker-data-volume", "cloud-broker-disk", "dags"})
    ),
    "cloud.registry": Flip("premium", Changes(updates={"cloud-registry-registry"})),
    "cloud.maintenance.day": Flip(
        "sunday",
        Changes(
            updates={"cloud-cluster-kubernetes-maintenance", "cloud-cluster-nodes-maintenance", "cloud-database-server"}
        ),
    ),
    "cloud.maintenance.hour": Flip(
        3,
        Changes(
            updates={"cloud-cluster-kubernetes-maintenance", "cloud-cluster-nodes-maintenance", "cloud-database-server"}
        ),
    ),
    "cloud.maintenance.duration_hours": Flip(
        6, Changes(updates={"cloud-cluster-kubernetes-maintenance", "cloud-cluster-nodes-maintenance"})
    ),
    "cloud.tags": Flip(
        {"Instance": "x"},
        Refused("airflow:cloud.tags: {'Instance': 'x'} has the name 'Instance', of a tag that this program"),
    ),
    "cloud.ignored_tags": Flip(["cost-center"], Changes()),
    "cloud.production_data": Flip(True, Changes()),
}
