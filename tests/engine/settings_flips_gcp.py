"""Effects of each single setting of Google Cloud, on a protected stack with both executors, a share and a Gateway."""

from __future__ import annotations

from typing import Final

from tests.engine.settings_effects import Changes, Flip, Flips, Protected, Refused
from tests.engine.settings_flips_pods import BASE as PODS_BASE

BASE: Final = {
    "protect": True,
    "auth": {
        "kind": "password",
        "users": [{"username": "ada", "role": "sales", "email": "ada@example.org"}],
        "custom_roles": {"sales": ["can_read on DAGs"]},
    },
    "cloud__bigquery": {"datasets": [{"name": "citibike"}]},
    "cloud__cluster__endpoint": {"kind": "authorized_ranges", "ranges": ["8.20.0.0/24"]},
    "secrets_backend": {"kind": "secret_manager"},
    "pools": [{"name": "night", "slots": 4}],
    "variables": {"region": "europe"},
    "pods": PODS_BASE,
    "projects": [
        {
            "name": "sales",
            "config": {"UNIT": "euro"},
            "dags": "dags",
            "data": {"kind": "bucket"},
            "pool": {"slots": 4},
            "toleration": {"key": "gpu"},
        }
    ],
}
"""In addition to docs/stacks/gcp-celery-kubernetes.yaml."""

FLIPS: Final[Flips] = {
    "cloud.project": Flip("other-project", Protected({"celery-broker-data", "celery-broker-data-volume", "dags"})),
    "cloud.region": Flip(
        "europe-west3",
        Refused("cloud.zones: ['europe-west1-b'] contains 'europe-west1-b', which is outside europe-west3"),
    ),
    "cloud.zones": Flip(
        ["europe-west1-c"], Protected({"celery-broker-data", "cloud-broker-disk", "cloud-cluster-gke", "dags"})
    ),
    "cloud.cluster.channel": Flip("stable", Changes(updates={"cloud-cluster-gke"})),
    "cloud.cluster.endpoint.kind": Flip({"kind": "dns"}, Changes(updates={"cloud-cluster-gke", "cloud-kubernetes"})),
    "cloud.cluster.endpoint.ranges": Flip(["8.20.0.0/25", "8.20.9.7/32"], Changes(updates={"cloud-cluster-gke"})),
    "cloud.cluster.system_nodes.machine_type": Flip("e2-standard-8", Changes(updates={"cloud-nodes-system"})),
    "cloud.cluster.system_nodes.nodes_min": Flip(2, Changes(updates={"cloud-nodes-system"})),
    "cloud.cluster.system_nodes.nodes_max": Flip(5, Changes(updates={"cloud-nodes-system"})),
    "cloud.cluster.system_nodes.disk_gib": Flip(80, Changes(updates={"cloud-nodes-system"})),
    "cloud.cluster.system_nodes.spot": Flip(True, Changes(replaces={"cloud-nodes-system"})),
    "cloud.cluster.task_nodes.machine_type": Flip("e2-standard-8", Changes(updates={"cloud-nodes-tasks"})),
    "cloud.cluster.task_nodes.nodes_min": Flip(1, Changes(updates={"cloud-nodes-tasks"})),
    "cloud.cluster.task_nodes.nodes_max": Flip(9, Changes(updates={"cloud-nodes-tasks"})),
    "cloud.cluster.task_nodes.disk_gib": Flip(80, Changes(updates={"cloud-nodes-tasks"})),
    "cloud.cluster.task_nodes.spot": Flip(False, Changes(replaces={"cloud-nodes-tasks"})),
    "cloud.cluster.observe": Flip(
        "system", Changes(updates={"cloud-cluster-gke", "cloud-network-subnet"}, deletes={"cloud-apis-posture"})
    ),
    "cloud.cluster.encryption_key": Flip(
        "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/k", Changes(updates={"cloud-cluster-gke"})
    ),
    "cloud.cluster.signed_images_only": Flip(
        True, Changes(creates={"cloud-apis-binaries"}, updates={"cloud-cluster-gke"})
    ),
    "cloud.database.version": Flip(18, Changes(updates={"cloud-database-server"})),
    "cloud.database.edition": Flip(
        "enterprise_plus", Refused("cloud.database.size: 'db-custom-2-7680' is not a tier of edition enterprise_plus")
    ),
    "cloud.database.high_availability": Flip(True, Changes(updates={"cloud-database-server"})),
    "cloud.database.size": Flip("db-custom-4-15360", Changes(updates={"cloud-database-server"})),
    "cloud.database.disk_gib": Flip(40, Changes()),
    "cloud.database.disk_limit_gib": Flip(900, Changes(updates={"cloud-database-server"})),
    "cloud.database.backup_retention_days": Flip(30, Changes(updates={"cloud-database-server"})),
    "cloud.database.point_in_time_recovery": Flip(False, Changes(updates={"cloud-database-server"})),
    "cloud.database.audit": Flip(False, Changes(updates={"cloud-database-server"})),
    "cloud.database.insights": Flip(False, Changes(updates={"cloud-database-server"})),
    "cloud.database.proxy_image": Flip(
        "gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.18.0",
        Changes(
            creates={
                "cloud-identities-api-server-database",
                "cloud-identities-dag-processor",
                "cloud-identities-dag-processor-binding",
                "cloud-identities-dag-processor-database",
                "cloud-identities-migration",
                "cloud-identities-migration-binding",
                "cloud-identities-migration-database",
                "cloud-identities-scheduler",
                "cloud-identities-scheduler-binding",
                "cloud-identities-scheduler-database",
                "cloud-identities-triggerer-database",
                "cloud-identities-worker-database",
            },
            updates={
                "access-api-server-account",
                "access-dag-processor-account",
                "access-migration-account",
                "access-scheduler-account",
                "access-triggerer-account",
                "access-worker-account",
                "api-server",
                "cloud-database-server",
                "dag-processor",
                "scheduler",
                "triggerer",
                "worker",
            },
            replaces={
                "entries-job",
                "migrate-job",
                "people-job",
                "secrets-databases",
                "secrets-metadata",
                "secrets-results",
            },
            deletes={"database-authority"},
        ),
    ),
    "cloud.database.flags": Flip({"work_mem": "8192"}, Changes(updates={"cloud-database-server"})),
    "cloud.network.nodes": Flip("10.10.16.0/20", Protected({"celery-broker-data", "dags"})),
    "cloud.network.pods": Flip("10.17.0.0/16", Protected({"celery-broker-data", "cloud-cluster-gke", "dags"})),
    "cloud.network.services": Flip("10.11.16.0/20", Protected({"celery-broker-data", "cloud-cluster-gke", "dags"})),
    "cloud.network.private_services": Flip("10.12.16.0/20", Protected({"cloud-dags-share-share", "dags"})),
    "cloud.broker_disk.kept": Flip(True, Changes()),
    "cloud.shares.tier": Flip(
        "zonal", Protected({"celery-broker-data", "cloud-dags-share-share", "dags", "dags-volume"})
    ),
    "cloud.bigquery.datasets[].name": Flip("trips", Protected({"cloud-datasets-citibike"})),
    "cloud.bigquery.datasets[].location": Flip("EU", Protected({"cloud-datasets-citibike"})),
    "cloud.registry": Flip(False, Protected({"cloud-registry-repository"})),
    "cloud.maintenance.hour": Flip(5, Changes(updates={"cloud-cluster-gke", "cloud-database-server"})),
    "cloud.iap": Flip(
        ["group:data@example.org"],
        Changes(
            creates={"cloud-apis-iap", "cloud-load-balancer-iap-group:data@example.org"},
            updates={"cloud-provider", "exposure-api-server-backend", "exposure-flower-backend"},
        ),
    ),
    "cloud.production_data": Flip(True, Changes()),
}
