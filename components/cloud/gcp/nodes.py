"""The node pools of a cluster, and the nodes' service account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp import container, projects, serviceaccount

from components.cloud.gcp.names import ACCOUNT_MAX
from components.cloud.gcp.scope import GcpScope
from components.settings.gcp.cloud import Pool

ROLE: Final = "roles/container.defaultNodeServiceAccount"
"""Minimal permissions of a node in its project: write logs and metrics, and read metrics for scaling. The stack's
registry grants access to its images itself,
https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa."""
SCOPES: Final = ["https://www.googleapis.com/auth/cloud-platform"]
"""Scopes do not limit access here; the roles do, https://cloud.google.com/compute/docs/access/service-accounts."""
POOL_LABEL: Final = "airflow-pool"
TASK_TAINT: Final = "airflow-tasks"


@dataclass(frozen=True, kw_only=True)
class NodeIdentityArgs:
    """Arguments of the nodes' identity."""

    scope: GcpScope


class NodeIdentity(pulumi.ComponentResource):
    """The service account of the nodes; pods cannot use it."""

    email: pulumi.Output[str]
    role: pulumi.Resource
    """The role assignment. A node that starts before it exists writes no logs and may not become ready."""

    def __init__(self, name: str, args: NodeIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:NodeIdentity", name, None, opts)
        names, apis = args.scope.names, args.scope.apis
        account = serviceaccount.Account(
            f"{name}-account",
            account_id=names.physical_name("nodes", limit=ACCOUNT_MAX),
            display_name=f"Nodes of {names.instance}",
            opts=pulumi.ResourceOptions(parent=self, hooks=apis.hooks, depends_on=apis.of("iam")),
        )
        self.email = account.email
        self.role = projects.IAMMember(
            f"{name}-role",
            project=args.scope.settings.project,
            role=ROLE,
            member=pulumi.Output.concat("serviceAccount:", account.email),
            opts=pulumi.ResourceOptions(parent=self, hooks=apis.hooks, depends_on=apis.of("projects")),
        )
        self.register_outputs({"email": self.email})


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """Arguments of the node pools."""

    scope: GcpScope
    cluster: pulumi.Input[str]
    identity: NodeIdentity
    egress: pulumi.Resource


class Nodes(pulumi.ComponentResource):
    """A node pool for Airflow's services and, if the stack has task nodes, one for tasks."""

    pools: list[pulumi.Resource]

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Nodes", name, None, opts)
        cluster = args.scope.settings.cluster
        self.pools = [self._pool(name, "system", cluster.system_nodes, args)]
        if cluster.task_nodes is not None:
            self.pools.append(self._pool(name, "tasks", cluster.task_nodes, args))
        self.register_outputs({})

    def _pool(self, name: str, use: str, pool: Pool, args: NodesArgs) -> pulumi.Resource:
        return container.NodePool(
            f"{name}-{use}",
            # `spot` is immutable: with a different name the new pool can be created before the old one is deleted.
            name=f"{use}-spot" if pool.spot else use,
            cluster=args.cluster,
            location=args.scope.settings.cluster_location,
            initial_node_count=pool.nodes_min,
            autoscaling=container.NodePoolAutoscalingArgs(
                min_node_count=pool.nodes_min,
                max_node_count=pool.nodes_max,
                location_policy="ANY" if pool.spot else "BALANCED",
            ),
            management=container.NodePoolManagementArgs(auto_repair=True, auto_upgrade=True),
            upgrade_settings=container.NodePoolUpgradeSettingsArgs(max_surge=1, max_unavailable=0),
            network_config=container.NodePoolNetworkConfigArgs(enable_private_nodes=True),
            node_config=container.NodePoolNodeConfigArgs(
                machine_type=pool.machine_type,
                spot=pool.spot,
                disk_size_gb=pool.disk_gib,
                disk_type="pd-balanced",
                image_type="COS_CONTAINERD",
                service_account=args.identity.email,
                oauth_scopes=SCOPES,
                labels={POOL_LABEL: use},
                resource_labels=args.scope.names.labels(),
                taints=[container.NodePoolNodeConfigTaintArgs(key=TASK_TAINT, value="true", effect="NO_SCHEDULE")]
                if use == "tasks"
                else None,
                shielded_instance_config=container.NodePoolNodeConfigShieldedInstanceConfigArgs(
                    enable_secure_boot=True, enable_integrity_monitoring=True
                ),
                workload_metadata_config=container.NodePoolNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
                kubelet_config=container.NodePoolNodeConfigKubeletConfigArgs(
                    insecure_kubelet_readonly_port_enabled="FALSE"
                ),
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=args.scope.apis.hooks,
                # Nodes need their role and outbound access at their start, and no input refers to them.
                depends_on=[args.identity.role, args.egress],
                # Owned by the autoscaler and the release channel.
                ignore_changes=["initialNodeCount", "nodeCount", "version"],
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="90m", delete="45m"),
                # Resources with an explicit name are deleted before they are replaced; create the replacement first.
                delete_before_replace=False,
            ),
        )
