"""Checks between the settings of Azure, and between them and other sections."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, Final

from components.settings import managed_cloud_checks
from components.settings.azure import catalogue
from components.settings.azure.cloud import AzureCloud
from components.settings.errors import SettingError
from components.settings.secret_keys import PROJECT

SHARE_GIB: Final = {"standard": (1, 102_400), "premium": (100, 102_400)}
"""Minimum and maximum size of a share in GiB, https://learn.microsoft.com/azure/storage/files/storage-files-scale-targets."""
RESERVED_ADDRESSES: Final = 5
"""Addresses of a subnet that Azure reserves."""
SURGE: Final = 0.1
"""Additional nodes during an upgrade, as a fraction of the pool, rounded up."""
FIREWALL_PREFIX_MAX: Final = 30
"""Storage firewalls accept single addresses without a prefix, and ranges of up to /30."""


def setting_errors(cloud: AzureCloud, parsed: Mapping[str, Any], *, protect: bool) -> Iterator[SettingError]:
    """Checks that need settings from several sections.

    Args:
        cloud: the settings of the cloud, valid by themselves.
        parsed: the other sections that are valid by themselves.
        protect: whether the stack's data is protected.
    """
    yield from _region_errors(cloud)
    yield from managed_cloud_checks.address_errors(cloud.network, nodes=_nodes(cloud), reserved=RESERVED_ADDRESSES)
    for key, size_gib in managed_cloud_checks.shares(parsed):
        yield from _share_errors(key, size_gib, cloud)
    yield from managed_cloud_checks.protection_errors(production_data=cloud.production_data, protect=protect)


def _region_errors(cloud: AzureCloud) -> Iterator[SettingError]:
    """Settings that a region does not offer."""
    region, zones = cloud.region, catalogue.has_zones(cloud.region)
    copies_in_zones, pair = catalogue.has_zone_redundant_storage(region), catalogue.has_pair(region)
    database, storage = cloud.database, cloud.storage
    lacks_zones = f"requires availability zones, which {region} does not have"
    lacks_pair = f"requires a paired region, which {region} does not have"
    elsewhere = "or choose another region"
    wrong: list[tuple[bool, str, object, str, str]] = [
        (
            database.high_availability == "zone_redundant" and not catalogue.has_database_standby(region),
            "database.high_availability",
            database.high_availability,
            f"is not offered for new servers in {region} at present" if zones else lacks_zones,
            'use "same_zone", or choose a region that offers it, such as swedencentral, francecentral or uksouth',
        ),
        (
            database.geo_redundant_backup and not catalogue.has_database_copies(region),
            "database.geo_redundant_backup",
            True,
            f"is not offered in {region}" if pair else lacks_pair,
            f"set it to false, {elsewhere}",
        ),
        (
            storage.redundancy != "lrs" and not copies_in_zones,
            "storage.redundancy",
            storage.redundancy,
            f"is not offered in {region}" if zones else lacks_zones,
            f'use "lrs", {elsewhere}',
        ),
        (
            storage.redundancy == "gzrs" and copies_in_zones and not pair,
            "storage.redundancy",
            storage.redundancy,
            lacks_pair,
            f'use "zrs", {elsewhere}',
        ),
        (
            storage.redundancy == "gzrs" and cloud.shares.tier == "premium",
            "shares.tier",
            cloud.shares.tier,
            "has no copies in the paired region, which airflow:cloud.storage.redundancy requires",
            'use "standard", or redundancy "zrs"',
        ),
    ]
    for is_wrong, key, value, rule, remedy in wrong:
        if is_wrong:
            yield SettingError(key=f"{PROJECT}:cloud.{key}", value=value, rule=rule, remedy=remedy)
    for text in storage.allowed_ranges:
        if FIREWALL_PREFIX_MAX < IPv4Network(text).prefixlen < IPv4Network(text).max_prefixlen:
            yield SettingError(
                key=f"{PROJECT}:cloud.storage.allowed_ranges",
                value=text,
                rule=f"is too small for a storage account's firewall: its smallest range is a /{FIREWALL_PREFIX_MAX}",
                remedy=f"list its addresses one by one, or use a /{FIREWALL_PREFIX_MAX}",
            )


def _nodes(cloud: AzureCloud) -> int:
    """Maximum number of nodes of all pools while they are upgraded."""
    cluster = cloud.cluster
    pools = [pool for pool in (cluster.system_nodes, cluster.airflow_nodes, cluster.task_nodes) if pool is not None]
    return sum(pool.nodes_max + math.ceil(pool.nodes_max * SURGE) for pool in pools)


def _share_errors(key: str, size_gib: int, cloud: AzureCloud) -> Iterator[SettingError]:
    tier = cloud.shares.tier
    least, most = SHARE_GIB[tier]
    if size_gib < least:
        rule = f"is below {least}, the minimum of a {tier} share"
        remedy = f"use {least} or more" + ("" if cloud.shares.protocol == "nfs" else ', or shares.tier "standard"')
        yield SettingError(key=key, value=size_gib, rule=rule, remedy=remedy)
    elif size_gib > most:
        rule = f"is above {most}, the maximum of a {tier} share"
        yield SettingError(key=key, value=size_gib, rule=rule, remedy=f"use at most {most}")
