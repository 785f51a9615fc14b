"""Billed resources of a stack on Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from components.contract.requirements import requirements
from components.pricing.items import Item, Usage, database_items
from components.settings.gcp import sql_tiers
from components.settings.gcp.cloud import Database, GcpCloud, Pool
from components.settings.stack import Settings

MACHINE: Final = re.compile(r"(?P<family>[a-z]\d[a-z]?)-(?P<shape>standard|highmem|highcpu|megamem)-(?P<cpus>\d+)")
CUSTOM: Final = re.compile(r"(?P<family>[a-z]\d[a-z]?)-custom-(?P<cpus>\d+)-(?P<mib>\d+)")
GIB_PER_CPU: Final[Mapping[tuple[str, str], float]] = {
    ("c2", "standard"): 4,
    ("c2d", "standard"): 4,
    ("c2d", "highcpu"): 2,
    ("c2d", "highmem"): 8,
    ("c3", "standard"): 4,
    ("c3", "highcpu"): 2,
    ("c3", "highmem"): 8,
    ("c3d", "standard"): 4,
    ("c3d", "highmem"): 8,
    ("e2", "standard"): 4,
    ("e2", "highcpu"): 1,
    ("e2", "highmem"): 8,
    ("n1", "standard"): 3.75,
    ("n1", "highcpu"): 0.9,
    ("n1", "highmem"): 6.5,
    ("n2", "standard"): 4,
    ("n2", "highcpu"): 1,
    ("n2", "highmem"): 8,
    ("n2d", "standard"): 4,
    ("n2d", "highcpu"): 1,
    ("n2d", "highmem"): 8,
    ("t2d", "standard"): 4,
}
"""Memory of one virtual processor in GiB, https://cloud.google.com/compute/docs/general-purpose-machines and
https://cloud.google.com/compute/docs/compute-optimized-machines. Shapes with a ratio that depends on the size are
not here."""
SHARED_CORE: Final[Mapping[str, tuple[float, float]]] = {"e2-medium": (1, 4)}
"""Billed virtual processors and GiB of types that share a core, https://cloud.google.com/compute/vm-instance-pricing."""
NAT_NODES_MAX: Final = 32
"""Number of machines above which a NAT gateway costs the same, https://cloud.google.com/nat/pricing."""
BROKER_GIB_MIN: Final = 10
"""The smallest disk of type pd-ssd, https://cloud.google.com/compute/docs/disks/persistent-disks."""


def machine_skus(machine_type: str, *, spot: bool = False) -> dict[str, float]:
    """Amounts of the SKUs of one node: virtual processors and GiB of its family.

    A machine type that is not the sum of these two is an SKU itself.
    """
    suffix = "-spot" if spot else ""
    if machine_type in SHARED_CORE:
        family, (cpus, gib) = machine_type.partition("-")[0], SHARED_CORE[machine_type]
    elif (custom := CUSTOM.fullmatch(machine_type)) is not None:
        family, cpus, gib = f"{custom['family']}-custom", int(custom["cpus"]), int(custom["mib"]) / 1024
        # E2 has one price for custom and predefined types, https://cloud.google.com/compute/vm-instance-pricing.
        family = "e2" if custom["family"] == "e2" else family
    elif (named := MACHINE.fullmatch(machine_type)) is not None and (named["family"], named["shape"]) in GIB_PER_CPU:
        family, cpus = named["family"], int(named["cpus"])
        gib = cpus * GIB_PER_CPU[family, named["shape"]]
    else:
        return {f"{machine_type}{suffix}": 1}
    return {f"{family}-vcpu{suffix}": cpus, f"{family}-gib{suffix}": gib}


def items(cloud: GcpCloud, settings: Settings) -> Iterator[Item]:
    """The resources that are billed for their existence."""
    needed, zones = requirements(settings), len(cloud.node_zones)
    kind = "zonal" if len(cloud.zones) == 1 else "regional"
    yield Item(resource="GKE cluster", detail=f"{kind}, management fee", skus={"gke-cluster": 1}, unit="cluster")
    pools = {"system nodes": cloud.cluster.system_nodes, "task nodes": cloud.cluster.task_nodes}
    for name, pool in pools.items():
        if pool is not None:
            yield from _pool_items(name, pool, zones)
    yield from _network_items([pool for pool in pools.values() if pool is not None], zones)
    yield from _database_items(cloud.database)
    if needed.external_access is not None:
        yield Item(
            resource="load balancer", detail="up to 5 forwarding rules", skus={"forwarding-rules": 1}, unit="gateway"
        )
    for use in ("logs", "dags"):
        if use in needed.volumes:
            tier, size_gib = cloud.shares.tier, needed.volumes[use].size_gib
            yield Item(
                resource=f"file share for {use}",
                detail=f"Filestore {tier}",
                skus={f"filestore-{tier}": 1},
                unit="GiB",
                quantity_min=size_gib,
                quantity_max=size_gib,
            )
    if "broker" in needed.volumes:
        size_gib = max(needed.volumes["broker"].size_gib, BROKER_GIB_MIN)
        yield Item(
            resource="broker disk",
            detail="pd-ssd",
            skus={"pd-ssd": 1},
            unit="GiB",
            quantity_min=size_gib,
            quantity_max=size_gib,
        )


def _pool_items(name: str, pool: Pool, zones: int) -> Iterator[Item]:
    least, most = pool.nodes_min * zones, pool.nodes_max * zones
    yield Item(
        resource=name,
        detail=f"{pool.machine_type}{', spot' if pool.spot else ''}, in {zones} zone{'s' if zones > 1 else ''}",
        skus=machine_skus(pool.machine_type, spot=pool.spot),
        limit=machine_skus(pool.machine_type),
        unit="node",
        quantity_min=least,
        quantity_max=most,
    )
    yield Item(
        resource=f"disks of {name}",
        detail=f"pd-balanced, {pool.disk_gib} GiB a node",
        skus={"pd-balanced": 1},
        unit="GiB",
        quantity_min=least * pool.disk_gib,
        quantity_max=most * pool.disk_gib,
    )


def _network_items(pools: list[Pool], zones: int) -> Iterator[Item]:
    least, most = (sum(bounds) * zones for bounds in zip(*((p.nodes_min, p.nodes_max) for p in pools), strict=True))
    yield Item(
        resource="NAT gateway",
        detail=f"by the number of nodes, up to {NAT_NODES_MAX}",
        skus={"nat-node": 1},
        unit="node",
        quantity_min=min(least, NAT_NODES_MAX),
        quantity_max=min(most, NAT_NODES_MAX),
    )
    yield Item(resource="NAT address", detail="one public address", skus={"nat-address": 1}, unit="address")


def _database_items(database: Database) -> Iterator[Item]:
    return database_items(
        server=f"Cloud SQL {database.size}",
        skus=database_skus(database.size),
        disk=f"SSD, {database.disk_gib} GiB",
        disk_sku="sql-ssd",
        disk_gib=database.disk_gib,
        standby=database.high_availability,
    )


def database_skus(size: str) -> dict[str, float]:
    """Amounts of the SKUs of one server of a size that `sql_tiers.tier_rule` accepts."""
    if size in sql_tiers.SHARED_CORE_MIB:
        return {f"sql-{size}": 1}
    gib = sql_tiers.memory_mib(size) / 1024
    if (custom := sql_tiers.CUSTOM.fullmatch(size)) is not None:
        return {"sql-vcpu": int(custom[1]), "sql-gib": gib}
    return {"sql-plus-vcpu": int(size.rpartition("-")[2]), "sql-plus-gib": gib}


def usages(cloud: GcpCloud, settings: Settings) -> Iterator[Usage]:
    """The costs that depend on use."""
    needed = requirements(settings)
    yield Usage(text="traffic to the internet, between regions and between zones")
    yield Usage(text="traffic through the NAT gateway", sku="nat-data")
    if needed.log_store is not None:
        yield Usage(text="task logs in Cloud Storage, a month; requests come on top", sku="bucket-standard")
    if cloud.bigquery.datasets:
        # https://cloud.google.com/bigquery/pricing: a dataset itself has no price.
        yield Usage(text="tables in BigQuery, and the bytes that queries read beyond 1 TiB a month")
    if needed.project_buckets:
        yield Usage(text="data of projects in Cloud Storage, a month; requests come on top", sku="bucket-standard")
    if needed.dag_bucket is not None and needed.dag_bucket.existing is None:
        yield Usage(text="DAG files in Cloud Storage, a month; requests come on top", sku="bucket-standard")
    yield Usage(text="backups and transaction logs of the database, a month", sku="sql-backup")
    yield Usage(
        text=f"growth of the database's disk, up to {cloud.database.disk_limit_gib} GiB, a month", sku="sql-ssd"
    )
    yield Usage(text="Cloud Logging beyond 50 GiB a month, and metrics", sku="logging")
    if cloud.registry:
        yield Usage(text="images in Artifact Registry, a month", sku="registry")
    if needed.external_access is not None:
        yield Usage(text="traffic through the load balancer", sku="load-balancer-data")
    if len(cloud.zones) == 1:
        yield Usage(text="Google's credit for the management fee of one zonal cluster of each billing account")
    yield Usage(text="volumes that DAGs create, and taxes, support and discounts")
