"""All pools of a cluster, as in the cluster's answer."""

from __future__ import annotations

from typing import Any, Final

from lab.clouds.azure.arm import name_of
from lab.clouds.azure.cluster_work import pools_beside
from lab.clouds.azure.pools import pool_outputs
from lab.clouds.kind import Call

_PLACE: Final = frozenset({"agentPoolName", "resourceGroupName", "resourceName"})
"""Inputs of a separate pool that a profile in a cluster does not have."""


def profiles(call: Call, inline: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`agentPoolProfiles` as inputs: all pools of the cluster, ordered by name.

    The API has this order, https://github.com/hashicorp/terraform-provider-azurerm/pull/4676 and issues 3835 and 4560
    there; separate pools are in the list: https://github.com/pulumi/pulumi-azure-native/issues/1532.
    """
    found = {str(pool["name"]): dict(pool) for pool in inline}
    for item in pools_beside(call.world, call.id):
        own = {key: value for key, value in item.inputs.items() if key not in _PLACE}
        found[name_of(item.id)] = {"name": name_of(item.id), **own}
    return [found[name] for name in sorted(found)]


def completed(call: Call, inline: list[dict[str, Any]], version: str) -> list[dict[str, Any]]:
    """`agentPoolProfiles` as outputs."""
    return [
        {**pool, **pool_outputs(pool, version), "type": pool.get("type", "VirtualMachineScaleSets")}
        for pool in profiles(call, inline)
    ]
