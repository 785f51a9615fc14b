"""Checks of the settings of Google Cloud, alone and against the rest of a stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, Final

from components.settings import cloud_checks, connection_budget
from components.settings.errors import SettingError
from components.settings.gcp import shares
from components.settings.gcp.cloud import Addresses, Database, GcpCloud
from components.settings.secret_keys import PROJECT
from components.settings.sections.components import Components
from components.settings.sections.executor import Executor
from components.settings.sections.exposure import Exposure

FORBIDDEN_IN_BUCKETS: Final = "goog"
"""https://cloud.google.com/storage/docs/buckets#naming."""
NODE_PODS_PREFIX: Final = 24
"""What a node takes for up to 110 pods, https://cloud.google.com/kubernetes-engine/docs/how-to/flexible-pod-cidr."""
RESERVED_ADDRESSES: Final = 4
"""Addresses of a subnet that no node gets."""
SURGE_NODES: Final = 1
"""Nodes that an upgrade of a pool adds for a while."""


def setting_errors(cloud: GcpCloud, parsed: Mapping[str, Any], *, protect: bool) -> Iterator[SettingError]:
    """Checks that need settings from several sections.

    Args:
        cloud: the cloud, fine by itself.
        parsed: the stack's other sections that are fine by themselves.
        protect: whether the stack's data is protected.
    """
    yield from _address_errors(cloud)
    if FORBIDDEN_IN_BUCKETS in (name := parsed.get("name", "")):
        yield SettingError(
            key=f"{PROJECT}:name",
            value=name,
            rule=f"holds {FORBIDDEN_IN_BUCKETS!r}, which no name of a bucket may",
            remedy="choose another name",
        )
    for key, size_gib in cloud_checks.shares(parsed):
        yield from shares.setting_errors(key, size_gib, cloud.shares.tier)
    yield from cloud_checks.protection_errors(production_data=cloud.production_data, protect=protect)
    if (executor := parsed.get("executor")) is not None:
        yield from _connection_errors(cloud.database, executor, parsed.get("components", Components()))
    exposure: Exposure | None = parsed.get("exposure")
    # A section that is missing here is invalid itself, or not set: then its default is no Gateway.
    if cloud.iap and (exposure is None or exposure.gateway is None):
        yield SettingError(
            key=f"{PROJECT}:cloud.iap",
            value=cloud.iap,
            rule="stands before a Gateway, which this stack has not",
            remedy='set airflow:exposure to kind "gateway", or leave iap out',
        )


def _address_errors(cloud: GcpCloud) -> Iterator[SettingError]:
    """Ranges that cannot hold the nodes of all pools at their greatest."""
    pools = [pool for pool in (cloud.cluster.system_nodes, cloud.cluster.task_nodes) if pool is not None]
    nodes = sum((pool.nodes_max + SURGE_NODES) * len(cloud.node_zones) for pool in pools)
    held = {
        "nodes": IPv4Network(cloud.addresses.nodes).num_addresses - RESERVED_ADDRESSES,
        "pods": 2 ** max(0, NODE_PODS_PREFIX - IPv4Network(cloud.addresses.pods).prefixlen),
    }
    for name in Addresses.model_fields:
        if name in held and held[name] < nodes:
            yield SettingError(
                key=f"{PROJECT}:cloud.addresses.{name}",
                value=getattr(cloud.addresses, name),
                rule=f"holds {held[name]} nodes, and the pools may have {nodes} in all zones while they are upgraded",
                remedy="use a larger range, or a smaller nodes_max",
            )


def _connection_errors(database: Database, executor: Executor, components: Components) -> Iterator[SettingError]:
    """Servers that refuse connections while everything rolls out."""
    needed = connection_budget.least_connections(executor, components)
    if database.max_connections >= needed:
        return
    yield SettingError(
        key=f"{PROJECT}:cloud.database.tier",
        value=database.tier,
        rule=f"takes {database.max_connections} connections beside its own, and this stack may hold {needed}",
        remedy="use a larger tier, fewer workers or replicas, or flags with more max_connections",
    )
