"""Checks that are the same on Google Cloud and Azure: address ranges, file shares, protection of production data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from typing import Any, Final, Protocol

from components.settings.errors import SettingError
from components.settings.secret_keys import PROJECT
from components.settings.sections.dag_source import DagSource
from components.settings.sections.logs import Logs

NODE_PODS_PREFIX: Final = 24
"""Range of the pods of one node, for up to 110 pods: https://learn.microsoft.com/azure/aks/azure-cni-overlay and
https://cloud.google.com/kubernetes-engine/docs/how-to/flexible-pod-cidr."""


class ClusterRanges(Protocol):
    """Address ranges of the nodes and pods of a cluster."""

    @property
    def nodes(self) -> str:
        """The nodes' subnet."""
        ...

    @property
    def pods(self) -> str:
        """The pods' range."""
        ...


def address_errors(ranges: ClusterRanges, *, nodes: int, reserved: int) -> Iterator[SettingError]:
    """Ranges that cannot hold the maximum number of nodes.

    Args:
        ranges: the cluster's ranges.
        nodes: the maximum of all pools in all zones, with the nodes that an upgrade adds.
        reserved: addresses of a subnet that the cloud keeps for itself.
    """
    held = {
        "nodes": (ranges.nodes, IPv4Network(ranges.nodes).num_addresses - reserved),
        "pods": (ranges.pods, 2 ** max(0, NODE_PODS_PREFIX - IPv4Network(ranges.pods).prefixlen)),
    }
    for name, (text, count) in held.items():
        if count < nodes:
            yield SettingError(
                key=f"{PROJECT}:cloud.network.{name}",
                value=text,
                rule=f"has addresses for {count} nodes, and the pools may have {nodes} in all zones during an upgrade",
                remedy="use a larger range, or a smaller nodes_max",
            )


def shares(parsed: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Key of the size and size in GiB of each file share that valid sections ask for."""
    logs: Logs | None = parsed.get("logs")
    if logs is not None and logs.volume is not None:
        yield f"{PROJECT}:logs.size_gib", logs.volume.size_gib
    sources: Sequence[DagSource] = parsed.get("dags", ())
    for index, source in enumerate(sources):
        if source.share is not None:
            yield f"{PROJECT}:dags[{index}].size_gib", source.share.size_gib


def protection_errors(*, production_data: bool, protect: bool) -> Iterator[SettingError]:
    """Production data without protection."""
    if production_data and not protect:
        yield SettingError(
            key=f"{PROJECT}:protect",
            value=False,
            rule="leaves production data (airflow:cloud.production_data) without protection",
            remedy="set it to true, or airflow:cloud.production_data to false",
        )
