"""Billed resources of a stack on Azure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from components.contract.requirements import requirements
from components.pricing.items import Item, Usage, database_items
from components.settings.azure import catalogue
from components.settings.azure.cloud import AzureCloud, Database, Pool
from components.settings.stack import Settings

DISK_SIZES_GIB: Final = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16_384, 32_767)
DISK_NUMBERS: Final = (1, 2, 3, 4, 6, 10, 15, 20, 30, 40, 50, 60, 70, 80)
"""Billed sizes of managed disks, and their numbers in names such as P10,
https://learn.microsoft.com/azure/virtual-machines/disks-types."""
DISK_LETTERS: Final = {"premium": "P", "standard": "E"}


def disk_sku(tier: str, size_gib: int, redundancy: str) -> str:
    """The SKU of a managed disk: the next size that Azure bills."""
    number = next(number for limit, number in zip(DISK_SIZES_GIB, DISK_NUMBERS, strict=True) if size_gib <= limit)
    return f"disk-{DISK_LETTERS[tier]}{number}-{redundancy}"


def database_skus(size: str) -> dict[str, float]:
    """Amounts of the SKUs of one server of a size that `catalogue.is_database_size` accepts.

    General purpose and memory optimized sizes have a price by virtual core, burstable ones by size.
    """
    found = catalogue.DATABASE_SIZE.fullmatch(size)
    if found is None or found["burstable"]:
        return {f"postgres-{size}": 1}
    series = size.removeprefix(f"Standard_{found['family']}{found['cpus']}")
    return {f"postgres-{found['family']}{series}-vcore": int(found["cpus"])}


def items(cloud: AzureCloud, settings: Settings) -> Iterator[Item]:
    """The resources that are billed for their existence."""
    tier, cluster = cloud.cluster.tier, cloud.cluster
    if tier != "free":
        yield Item(resource="AKS cluster", detail=f"tier {tier}", skus={f"aks-{tier}": 1}, unit="cluster")
    yield from _pool_items("system nodes", cluster.system_nodes)
    if cluster.airflow_nodes is not None:
        yield from _pool_items("Airflow nodes", cluster.airflow_nodes)
    if cluster.task_nodes is not None:
        yield from _pool_items("task nodes", cluster.task_nodes, spot=cluster.task_nodes.spot)
    yield from _network_items(cloud, settings)
    yield from _database_items(cloud.database)
    yield from _storage_items(cloud, settings)
    if cloud.registry != "none":
        yield Item(
            resource="container registry",
            detail=cloud.registry,
            skus={f"registry-{cloud.registry}": 1},
            unit="registry",
        )


def _pool_items(name: str, pool: Pool, *, spot: bool = False) -> Iterator[Item]:
    yield Item(
        resource=name,
        detail=f"{pool.machine_type}{', spot' if spot else ''}",
        skus={f"vm-{pool.machine_type}{'-spot' if spot else ''}": 1},
        limit={f"vm-{pool.machine_type}": 1},
        unit="node",
        quantity_min=pool.nodes_min,
        quantity_max=pool.nodes_max,
    )
    if pool.disk == "managed":
        yield Item(
            resource=f"disks of {name}",
            detail=f"Premium SSD, {pool.disk_gib} GiB a node",
            skus={disk_sku("premium", pool.disk_gib, "lrs"): 1},
            unit="disk",
            quantity_min=pool.nodes_min,
            quantity_max=pool.nodes_max,
        )


def _network_items(cloud: AzureCloud, settings: Settings) -> Iterator[Item]:
    needed = requirements(settings)
    nat = cloud.network.outbound == "nat_gateway"
    exposed = needed.external_access is not None
    if nat:
        yield Item(resource="NAT gateway", detail="", skus={"nat-gateway": 1}, unit="gateway")
    if not nat or exposed:
        yield Item(resource="load balancer", detail="up to 5 rules", skus={"load-balancer": 1}, unit="balancer")
    addresses = 1 + exposed
    yield Item(
        resource="public addresses",
        detail="outbound" + (" and Gateway" if exposed else ""),
        skus={"public-address": 1},
        unit="address",
        quantity_min=addresses,
        quantity_max=addresses,
    )
    accounts = (needed.log_store is not None) + needed.shares + needed.project_buckets
    endpoints = accounts if cloud.network.private_endpoints else 0
    if endpoints:
        yield Item(
            resource="private endpoints",
            detail="of the storage accounts",
            skus={"private-endpoint": 1},
            unit="endpoint",
            quantity_min=endpoints,
            quantity_max=endpoints,
        )
    # Logs and the data of projects have one zone, of blobs.
    zones = 1 + endpoints - (bool(endpoints) and needed.log_store is not None and needed.project_buckets)
    yield Item(
        resource="private DNS zones",
        detail="database" + (" and storage" if endpoints else ""),
        skus={"dns-zone": 1},
        unit="zone",
        quantity_min=zones,
        quantity_max=zones,
    )


def _database_items(database: Database) -> Iterator[Item]:
    # Compute and storage of the standby are billed like those of the primary,
    # https://learn.microsoft.com/azure/postgresql/flexible-server/concepts-high-availability.
    return database_items(
        server=database.size,
        skus=database_skus(database.size),
        disk=f"{database.disk_gib} GiB",
        disk_sku="postgres-storage",
        disk_gib=database.disk_gib,
        standby=database.high_availability != "none",
    )


def _storage_items(cloud: AzureCloud, settings: Settings) -> Iterator[Item]:
    volumes = requirements(settings).volumes
    if "broker" in volumes:
        redundancy = "zrs" if len(cloud.node_zones) > 1 else "lrs"
        kind = cloud.broker_disk.tier
        yield Item(
            resource="broker disk",
            detail=f"{kind} SSD, {redundancy.upper()}",
            skus={disk_sku(kind, volumes["broker"].size_gib, redundancy): 1},
            unit="disk",
        )
    if cloud.shares.tier == "premium":
        for use in ("logs", "dags"):
            if use in volumes:
                yield Item(
                    resource=f"file share for {use}",
                    detail=f"premium, {cloud.storage.redundancy.upper()}",
                    skus={f"files-premium-{cloud.storage.redundancy}": 1},
                    unit="GiB",
                    quantity_min=volumes[use].size_gib,
                    quantity_max=volumes[use].size_gib,
                )


def usages(cloud: AzureCloud, settings: Settings) -> Iterator[Usage]:
    """The costs that depend on use."""
    needed, redundancy = requirements(settings), cloud.storage.redundancy
    yield Usage(text="traffic to the internet, between regions and between zones")
    if cloud.network.outbound == "nat_gateway":
        yield Usage(text="traffic through the NAT gateway", sku="nat-data")
    if cloud.network.outbound != "nat_gateway" or needed.external_access is not None:
        yield Usage(text="traffic through the load balancer", sku="load-balancer-data")
    if cloud.network.private_endpoints:
        yield Usage(text="traffic through the private endpoints", sku="private-endpoint-data")
    if needed.log_store is not None:
        yield Usage(text="task logs in Blob Storage, a month; requests come on top", sku=f"blob-{redundancy}")
    if needed.project_buckets:
        yield Usage(text="data of projects in Blob Storage, a month; requests come on top", sku=f"blob-{redundancy}")
    if needed.shares and cloud.shares.tier == "standard":
        yield Usage(text="data on the file shares, a month; requests come on top", sku=f"files-standard-{redundancy}")
    yield Usage(text="backups of the database beyond the size of its disk, a month", sku="postgres-backup")
    if cloud.cluster.audit or cloud.database.audit:
        yield Usage(text="audit records in Log Analytics", sku="log-analytics")
    if cloud.registry != "none":
        yield Usage(text="images beyond the registry's included storage, a month", sku="registry-storage")
    yield Usage(text="growth of the database's disk, a month", sku="postgres-storage")
    yield Usage(text="volumes that DAGs create, and taxes, support and discounts")
