"""The node pools of an AKS cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_azure_native import containerservice

from components.cloud.azure.scope import AzureScope
from components.settings.azure.cloud import AzureCloud, Pool, TaskPool

POOL_LABEL: Final = "airflow-pool"
FIRST_POOL: Final = "system"
"""Name of the pool that is part of the cluster. The API lists all pools of a cluster ordered by name
(https://github.com/hashicorp/terraform-provider-azurerm/pull/4676), and Pulumi compares lists by index: this name must
sort before those of all other pools."""
POOL_NAMES: Final = {"airflow": "workloads", "tasks": "tasks"}
"""Names of the other pools, by use."""
SYSTEM_TAINT: Final = "CriticalAddonsOnly=true:NoSchedule"
TASK_TAINT: Final = "airflow-tasks"
SPOT_TAINT: Final = "kubernetes.azure.com/scalesetpriority"
"""Key of the taint that AKS always adds to spot nodes."""
PODS_MAX: Final = 110
FIXED: Final = (
    "availabilityZones",
    "enableEncryptionAtHost",
    "osDiskSizeGB",
    "osDiskType",
    "scaleSetEvictionPolicy",
    "scaleSetPriority",
    "vmSize",
    "vnetSubnetID",
)
"""Immutable fields of a pool: the API refuses changes (PropertyChangeNotAllowed); the plugin would plan an update."""
SURGE: Final = "10%"
DRAIN_MINUTES: Final = 60
"""Maximum time that an upgrade waits for the pods of one node; workers end only after their tasks."""


def task_taint(pool: TaskPool | None) -> str | None:
    """Key of the taint of task nodes; None without task nodes."""
    if pool is None:
        return None
    return SPOT_TAINT if pool.spot else TASK_TAINT


def shape(cloud: AzureCloud, pool: Pool, subnet: pulumi.Input[str], tags: Mapping[str, str]) -> dict[str, Any]:
    """The arguments that all pools share, for the pool in the cluster resource and for separate pool resources."""
    return {
        "type": "VirtualMachineScaleSets",
        "vm_size": pool.machine_type,
        "availability_zones": cloud.node_zones or None,
        "vnet_subnet_id": subnet,
        "enable_auto_scaling": True,
        "min_count": pool.nodes_min,
        "max_count": pool.nodes_max,
        "count": pool.nodes_min,
        "max_pods": PODS_MAX,
        "os_type": "Linux",
        # Not "AzureLinux3", which supports only Kubernetes 1.28 to 1.36: such a pool blocks the upgrade to 1.37. This
        # value means version 3 from Kubernetes 1.32 on, https://learn.microsoft.com/azure/aks/upgrade-os-version.
        "os_sku": "AzureLinux",
        "os_disk_type": pool.disk.capitalize(),
        "os_disk_size_gb": pool.disk_gib,
        "enable_encryption_at_host": cloud.cluster.encryption_at_host,
        "enable_node_public_ip": False,
        # Trusted Launch, which the API also accepts for the pool in the cluster (the quickstart template
        # aks-azure-linux-os-guard, Azure/azure-cli#29272). Not `ssh_access`: the specification has it since 2025-08-01,
        # but the service answers 400, unknown field "sshAccess" (Azure/azure-rest-api-specs#40740, open on
        # 27 November 2026). SSH is not reachable from outside, because nodes have no public address.
        "security_profile": containerservice.AgentPoolSecurityProfileArgs(enable_secure_boot=True, enable_vtpm=True),
        "tags": dict(tags),
    }


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """Arguments of the node pools."""

    scope: AzureScope
    cluster: containerservice.ManagedCluster
    subnet: pulumi.Input[str]


class Nodes(pulumi.ComponentResource):
    """The additional pools; each takes about 3 minutes, and they are created in parallel."""

    pools: Sequence[pulumi.Resource]

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Nodes", name, None, opts)
        self._args = args
        airflow, tasks = args.scope.settings.cluster.airflow_nodes, args.scope.settings.cluster.task_nodes
        pools: list[pulumi.Resource] = []
        if airflow is not None:
            pools.append(self._pool(name, "airflow", airflow))
        if tasks is not None:
            spot = tasks.spot
            pools.append(
                self._pool(
                    name,
                    "tasks",
                    tasks,
                    node_taints=[f"{SPOT_TAINT}=spot:NoSchedule" if spot else f"{TASK_TAINT}=true:NoSchedule"],
                    scale_set_priority="Spot" if spot else None,
                    scale_set_eviction_policy="Delete" if spot else None,
                    spot_max_price=-1 if spot else None,
                )
            )
        self.pools = pools
        self.register_outputs({})

    def _pool(self, name: str, use: str, pool: Pool, **rest: Any) -> containerservice.AgentPool:
        args, scope = self._args, self._args.scope
        spot = rest.get("scale_set_priority") == "Spot"
        return containerservice.AgentPool(
            f"{name}-{use}",
            agent_pool_name=POOL_NAMES[use],
            resource_group_name=scope.group,
            resource_name_=args.cluster.name,
            mode="User",
            node_labels={POOL_LABEL: use},
            # Spot pools do not support a surge.
            upgrade_settings=containerservice.AgentPoolUpgradeSettingsArgs(
                max_surge=None if spot else SURGE, drain_timeout_in_minutes=DRAIN_MINUTES
            ),
            **rest,
            **shape(scope.settings, pool, args.subnet, scope.names.tags()),
            opts=pulumi.ResourceOptions(
                parent=self,
                # Owned by the autoscaler and the upgrade channel.
                ignore_changes=["count", "orchestratorVersion"],
                replace_on_changes=[*FIXED],
                hooks=scope.late,
                # Deleted with the cluster; separate deletes would take minutes longer.
                deleted_with=args.cluster,
                # Pool names are unique in a cluster.
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="120m", delete="60m"),
            ),
        )
