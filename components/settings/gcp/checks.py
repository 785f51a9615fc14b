"""Checks between the settings of Google Cloud, and between them and other sections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from components.settings import managed_cloud_checks
from components.settings.errors import SettingError
from components.settings.gcp import shares
from components.settings.gcp.cloud import GcpCloud
from components.settings.secret_keys import PROJECT
from components.settings.sections.exposure import Exposure

FORBIDDEN_IN_BUCKETS: Final = "goog"
"""https://cloud.google.com/storage/docs/buckets#naming."""
RESERVED_ADDRESSES: Final = 4
"""Addresses of a subnet that Google Cloud reserves."""
SURGE_NODES: Final = 1
"""Additional nodes of a pool during an upgrade."""


def setting_errors(cloud: GcpCloud, parsed: Mapping[str, Any], *, protect: bool) -> Iterator[SettingError]:
    """Checks that need settings from several sections.

    Args:
        cloud: the settings of the cloud, valid by themselves.
        parsed: the other sections that are valid by themselves.
        protect: whether the stack's data is protected.
    """
    yield from managed_cloud_checks.address_errors(cloud.network, nodes=_nodes(cloud), reserved=RESERVED_ADDRESSES)
    if FORBIDDEN_IN_BUCKETS in (name := parsed.get("name", "")):
        yield SettingError(
            key=f"{PROJECT}:name",
            value=name,
            rule=f"contains {FORBIDDEN_IN_BUCKETS!r}, which names of buckets must not contain",
            remedy="choose another name",
        )
    for key, size_gib in managed_cloud_checks.shares(parsed):
        yield from shares.setting_errors(key, size_gib, cloud.shares.tier)
    yield from managed_cloud_checks.protection_errors(production_data=cloud.production_data, protect=protect)
    exposure: Exposure | None = parsed.get("exposure")
    # A missing section is invalid, or not set: the default exposure has no Gateway.
    if cloud.iap and (exposure is None or exposure.gateway is None):
        yield SettingError(
            key=f"{PROJECT}:cloud.iap",
            value=cloud.iap,
            rule='requires a Gateway (airflow:exposure.kind is not "gateway")',
            remedy='set airflow:exposure to kind "gateway", or leave iap out',
        )


def _nodes(cloud: GcpCloud) -> int:
    """Maximum number of nodes of all pools in all zones while they are upgraded."""
    pools = [pool for pool in (cloud.cluster.system_nodes, cloud.cluster.task_nodes) if pool is not None]
    return sum((pool.nodes_max + SURGE_NODES) * len(cloud.node_zones) for pool in pools)
