"""What each setting of Google Cloud does alone, on a protected stack with both executors, a share and a Gateway."""

from __future__ import annotations

from typing import Any, Final

BASE: Final = {
    "protect": True,
    "cloud__cluster__endpoint": {"kind": "authorized_networks", "ranges": ["8.20.0.0/24"]},
}
"""Beside docs/stacks/gcp-celery-kubernetes.yaml."""

FLIPS: Final[dict[str, tuple[Any, str]]] = {
    "cloud.project": ("other-project", "protected: celery-broker-data celery-broker-data-volume dags"),
    "cloud.region": (
        "europe-west3",
        ("refused: cloud.zones: ['europe-west1-b'] holds 'europe-west1-b', which is outside europe-west3"),
    ),
    "cloud.zones": (["europe-west1-c"], "protected: celery-broker-data cloud-broker-disk cloud-cluster-gke dags"),
    "cloud.cluster.channel": ("stable", "~cloud-cluster-gke"),
    "cloud.cluster.endpoint.kind": ({"kind": "dns"}, "~cloud-cluster-gke ~cloud-kubernetes"),
    "cloud.cluster.endpoint.ranges": (["8.20.0.0/25", "8.20.9.7/32"], "~cloud-cluster-gke"),
    "cloud.cluster.system_nodes.machine_type": ("e2-standard-8", "~cloud-nodes-system"),
    "cloud.cluster.system_nodes.nodes_min": (2, "~cloud-nodes-system"),
    "cloud.cluster.system_nodes.nodes_max": (5, "~cloud-nodes-system"),
    "cloud.cluster.system_nodes.disk_gib": (80, "~cloud-nodes-system"),
    "cloud.cluster.system_nodes.spot": (True, "±cloud-nodes-system"),
    "cloud.cluster.task_nodes.machine_type": ("e2-standard-8", "~cloud-nodes-tasks"),
    "cloud.cluster.task_nodes.nodes_min": (1, "~cloud-nodes-tasks"),
    "cloud.cluster.task_nodes.nodes_max": (9, "~cloud-nodes-tasks"),
    "cloud.cluster.task_nodes.disk_gib": (80, "~cloud-nodes-tasks"),
    "cloud.cluster.task_nodes.spot": (False, "±cloud-nodes-tasks"),
    "cloud.cluster.observe": ("system", "~cloud-cluster-gke ~cloud-network-subnet -cloud-apis-posture"),
    "cloud.cluster.encryption_key": ("projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k", "~cloud-cluster-gke"),
    "cloud.cluster.signed_images_only": (True, "+cloud-apis-binaries ~cloud-cluster-gke"),
    "cloud.database.version": (18, "~cloud-database-server"),
    "cloud.database.edition": (
        "enterprise_plus",
        "refused: cloud.database.tier: 'db-custom-2-7680' is no tier of edition enterprise_plus",
    ),
    "cloud.database.high_availability": (True, "~cloud-database-server"),
    "cloud.database.tier": ("db-custom-4-15360", "~cloud-database-server"),
    "cloud.database.disk_gib": (40, ""),
    "cloud.database.disk_limit_gib": (900, "~cloud-database-server"),
    "cloud.database.backups_kept": (30, "~cloud-database-server"),
    "cloud.database.point_in_time_recovery": (False, "~cloud-database-server"),
    "cloud.database.audit": (False, "~cloud-database-server"),
    "cloud.database.insights": (False, "~cloud-database-server"),
    "cloud.database.proxy_image": (
        "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.18.0",
        (
            "+cloud-identities-api-server-database +cloud-identities-dag-processor "
            "+cloud-identities-dag-processor-binding +cloud-identities-dag-processor-database "
            "+cloud-identities-migration +cloud-identities-migration-binding +cloud-identities-migration-database "
            "+cloud-identities-scheduler +cloud-identities-scheduler-binding +cloud-identities-scheduler-database "
            "+cloud-identities-triggerer-database +cloud-identities-worker-database ~access-api-server-account "
            "~access-dag-processor-account ~access-migration-account ~access-scheduler-account "
            "~access-triggerer-account ~access-worker-account ~api-server ~cloud-database-server ~dag-processor "
            "~scheduler ~triggerer ~worker ±migrate-job ±secrets-databases ±secrets-metadata ±secrets-results "
            "-database-authority"
        ),
    ),
    "cloud.database.flags": ({"work_mem": "8192"}, "~cloud-database-server"),
    "cloud.addresses.nodes": ("10.10.16.0/20", "protected: celery-broker-data dags"),
    "cloud.addresses.pods": ("10.17.0.0/16", "protected: celery-broker-data cloud-cluster-gke dags"),
    "cloud.addresses.services": ("10.11.16.0/20", "protected: celery-broker-data cloud-cluster-gke dags"),
    "cloud.addresses.private_services": ("10.12.16.0/20", "protected: cloud-dags-share-share dags"),
    "cloud.broker_disk.kept": (True, ""),
    "cloud.shares.tier": ("zonal", "protected: celery-broker-data cloud-dags-share-share dags dags-volume"),
    "cloud.registry": (False, "protected: cloud-registry-repository"),
    "cloud.maintenance_hour": (5, "~cloud-cluster-gke ~cloud-database-server"),
    "cloud.iap": (
        ["group:data@example.org"],
        (
            "+cloud-apis-iap +cloud-load-balancer-iap-group:data@example.org ~cloud-provider "
            "~exposure-api-server-backend ~exposure-flower-backend"
        ),
    ),
    "cloud.production_data": (True, ""),
}
