"""Running operations on a cluster and its pools: AKS runs one operation on a cluster at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, name_of, parent_id
from lab.clouds.azure.busy import is_busy, mark
from lab.clouds.inventory import Item, World
from lab.clouds.kind import Call

CLUSTER: Final = "azure-native:containerservice:ManagedCluster"
POOL: Final = "azure-native:containerservice:AgentPool"


def pools_beside(world: World, cluster: str) -> list[Item]:
    """The separate pools of a cluster."""
    return [item for item in world.of(POOL) if parent_id(item.id) == cluster]


def refuse_work_on_cluster(call: Call, cluster: str) -> None:
    """Refuse an operation on a cluster while another one runs on it or on one of its pools.

    Raises:
        ArmError: OperationNotAllowed, which the plugin does not retry: it retries AnotherOperationInProgress
            and a few other codes (provider/pkg/azure/client_azcore.go, shouldRetryConflict). Seen in
            https://github.com/kubernetes-sigs/cluster-api-provider-azure/pull/1205 and
            https://github.com/Azure/AKS/issues/2880.
    """
    refuse_work_on_pool(call, cluster)
    for pool in pools_beside(call.world, cluster):
        if is_busy(call, pool.id):
            raise _in_progress(f"agent pool {name_of(pool.id)} of managed cluster {name_of(cluster)}")


def refuse_work_on_pool(call: Call, cluster: str) -> None:
    """Refuse an operation on a pool while another one runs on its cluster; pools do not block each other.

    Raises:
        ArmError: OperationNotAllowed.
    """
    if is_busy(call, cluster):
        raise _in_progress(f"managed cluster {name_of(cluster)}")


def work(call: Call, token: str, op: str) -> None:
    """Mark the cluster or pool of a call as busy; op "" ends that."""
    mark(call, call.id, token, op)


def deployed_clusters(call: Call) -> list[Item]:
    """The clusters that a deployment's template writes, from the names or ids in its parameters."""
    if "Microsoft.ContainerService/managedClusters" not in str(call.get("properties.template")):
        return []
    given = (call.get("properties.parameters", {}) or {}).values()
    values = {str(each.get("value")) for each in given if isinstance(each, Mapping)}
    return [item for item in call.world.of(CLUSTER) if values & {item.id, name_of(item.id)}]


def switches_gateways_on(values: Any) -> bool:
    """Whether a template enables Gateways in a cluster."""
    return "gatewayAPIImplementations" in str(values)


def _in_progress(what: str) -> ArmError:
    return ArmError(
        409,
        "OperationNotAllowed",
        f"Operation is not allowed: Another operation (Updating) is in progress, please wait for it to finish before "
        f"starting a new operation on {what}. See https://aka.ms/aks-pending-operation for more details.",
    )
