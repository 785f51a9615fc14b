"""Settings of a new stack by cloud and size, adapted to what its region offers."""

from __future__ import annotations

from typing import Any, Final, Literal

from components.settings.azure import catalogue
from components.settings.gcp.regions import ZONES

Profile = Literal["dev", "prod"]
PROFILES: Final[tuple[Profile, ...]] = ("dev", "prod")
Section = dict[str, Any]

GCP_NODES: Final = "e2-standard-4"
AZURE_NODES: Final = "Standard_D4ds_v5"


def sections(*, cloud: str, account: str | None, region: str, executor: str, profile: Profile) -> dict[str, Any]:
    """The settings of a stack, by key.

    `dev` has the sizes of Pulumi.dev.yaml and docs/stacks/azure-celery.yaml, `prod` those of
    docs/stacks/gcp-kubernetes.yaml and Pulumi.prod.yaml.

    Args:
        cloud: a kind of cloud.
        account: the project, subscription, or context of a kubeconfig; None: the current context.
        region: the cloud's region; not used on an existing cluster.
        executor: a kind of executor.
        profile: the size.
    """
    if cloud == "existing":
        return _existing(account, executor)
    if cloud == "gcp":
        body = _gcp_prod() if profile == "prod" else _gcp_dev(region)
        place = {"kind": "gcp", "project": account, "region": region}
    else:
        body = _azure_prod(region) if profile == "prod" else _azure_dev(region)
        place = {"kind": "azure", "subscription_id": account, "region": region}
    services = {"replicas": 2}
    common: Section = (
        {
            "components": {"api_server": services, "scheduler": {**services}, "triggerer": {**services}},
            "logs": {"kind": "store", "retention_days": 90},
            "protect": True,
        }
        if profile == "prod"
        else {"logs": {"kind": "store", "retention_days": 14}, "example_dags": True, "protect": False}
    )
    if cloud == "gcp" and profile == "dev":
        # Half of the default requests, so that all workloads fit on one node.
        requests = {"api_server": 500, "scheduler": 500, "dag_processor": 250, "triggerer": 100}
        common["components"] = {name: {"cpu_milli": milli} for name, milli in requests.items()}
    return {"cloud": {**place, **body}, "executor": _executor(executor, cloud, profile), **common}


def _executor(kind: str, cloud: str, profile: Profile) -> Section:
    if kind == "kubernetes":
        return {"kind": kind}
    workers: Section = {"replicas": 2}
    if profile == "dev":
        workers |= {"concurrency": 8}
        if cloud == "gcp":
            workers |= {"cpu_milli": 400}
    return {"kind": kind, "workers": workers}


def _existing(context: str | None, executor: str) -> dict[str, Any]:
    """One node: all workloads, and a second pod of the workload that is being replaced, fit into 8 GiB."""
    chosen: Section = {"kind": executor}
    if executor != "kubernetes":
        chosen["workers"] = {"concurrency": 4, "memory_mib": 1280, "scratch_gib": 2}
    memory = {"api_server": 1024, "scheduler": 768, "dag_processor": 768, "triggerer": 640}
    return {
        "cloud": {
            "kind": "existing",
            **({"context": context} if context else {}),
            "database": {"kind": "in_cluster", "size_gib": 5},
        },
        "executor": chosen,
        "components": {name: {"memory_mib": mib} for name, mib in memory.items()},
        # All pods of a one-node cluster can share such a volume. On several nodes: ReadWriteMany.
        "logs": {"kind": "volume", "size_gib": 5, "access_mode": "ReadWriteOnce"},
        "example_dags": True,
    }


def _gcp_dev(region: str) -> Section:
    return {
        # One zone makes a zonal cluster, which is cheaper. Every region has a second zone in the list.
        "zones": [ZONES[region][0] if region in ZONES else "b"],
        "cluster": {
            "system_nodes": {"machine_type": GCP_NODES, "nodes_min": 1, "nodes_max": 3},
            "observe": "system",
        },
        "database": {
            "size": "db-g1-small",
            "high_availability": False,
            "disk_gib": 10,
            "disk_limit_gib": 50,
            "backup_retention_days": 7,
            "point_in_time_recovery": False,
            "audit": False,
            "insights": False,
            "flags": {"max_connections": "200"},
        },
        "maintenance": None,
    }


def _gcp_prod() -> Section:
    return {
        "cluster": {
            "channel": "regular",
            "system_nodes": {"machine_type": GCP_NODES, "nodes_min": 1, "nodes_max": 3},
            "task_nodes": {"machine_type": GCP_NODES, "nodes_min": 0, "nodes_max": 10},
        },
        "database": {
            "size": "db-custom-2-7680",
            "high_availability": True,
            "backup_retention_days": 14,
            "point_in_time_recovery": True,
        },
        "production_data": True,
    }


def _azure_dev(region: str) -> Section:
    zones = {"zones": ["1"]} if _offers(region, "z") else {}
    return {
        **zones,
        "cluster": {
            "tier": "free",
            "system_nodes": {"machine_type": AZURE_NODES, "nodes_min": 1, "nodes_max": 3},
        },
        "database": {"size": "Standard_B2s", "disk_gib": 32},
    }


def _azure_prod(region: str) -> Section:
    zones = {"zones": ["1", "2", "3"]} if _offers(region, "z") else {}
    return {
        **zones,
        "network": {"outbound": "nat_gateway", "private_endpoints": True},
        "cluster": {
            "tier": "standard",
            "system_nodes": {"machine_type": "Standard_D2ds_v5", "nodes_min": 3, "nodes_max": 6},
            "airflow_nodes": {"machine_type": AZURE_NODES, "nodes_min": 3, "nodes_max": 12},
            "channel": "patch",
            "policy": True,
            "audit": True,
        },
        "database": {
            "size": "Standard_D2ds_v5",
            # Not every region with zones offers new servers a standby in another one.
            "high_availability": "zone_redundant" if _offers(region, "h") else "same_zone",
            "disk_gib": 128,
            "backup_retention_days": 14,
            "geo_redundant_backup": _offers(region, "b"),
            "audit": True,
        },
        "storage": {
            "redundancy": "zrs" if _offers(region, "s") else "lrs",
            "versions": True,
            "deleted_kept_days": 14,
        },
        "maintenance": {"day": "saturday", "hour": 1, "duration_hours": 4},
    }


def _offers(region: str, feature: str) -> bool:
    """Whether a region has a feature of `catalogue.REGIONS`; an unknown region is refused by the settings."""
    return feature in catalogue.REGIONS.get(region, "")


def exposure(cloud: str, host: str) -> Section:
    """External access on a host, with a certificate from the cloud, or from cert-manager where the cloud has none."""
    tls = {"kind": "managed"} if cloud == "gcp" else {"kind": "cert_manager", "issuer": "letsencrypt"}
    return {"kind": "gateway", "host": host, "tls": tls}
