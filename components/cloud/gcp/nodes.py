"""The nodes of a cluster, and who they are in Google Cloud."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp import container, projects, serviceaccount

from components.cloud.gcp.apis import Apis
from components.cloud.gcp.names import ACCOUNT_MAX, ResourceNames
from components.settings.gcp.cloud import GcpCloud, Pool

ROLE: Final = "roles/container.defaultNodeServiceAccount"
"""What a node does in its project, and no more: write logs and metrics, and read those that it scales by; images of the
stack's own registry are allowed there,
https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa."""
SCOPES: Final = ["https://www.googleapis.com/auth/cloud-platform"]
"""Scopes limit nothing here: the roles do, https://cloud.google.com/compute/docs/access/service-accounts."""
POOL_LABEL: Final = "airflow-pool"
TASK_TAINT: Final = "airflow-tasks"


@dataclass(frozen=True, kw_only=True)
class NodeIdentityArgs:
    """Arguments of the nodes' identity."""

    names: ResourceNames
    apis: Apis
    project: str


class NodeIdentity(pulumi.ComponentResource):
    """The service account of the nodes, which pods cannot use."""

    email: pulumi.Output[str]
    role: pulumi.Resource
    """A node that starts before it has its role writes no logs and may not become ready."""

    def __init__(self, name: str, args: NodeIdentityArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:NodeIdentity", name, None, opts)
        account = serviceaccount.Account(
            f"{name}-account",
            account_id=args.names.physical_name("nodes", limit=ACCOUNT_MAX),
            display_name=f"Nodes of {args.names.instance}",
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, depends_on=args.apis.of("iam")),
        )
        self.email = account.email
        self.role = projects.IAMMember(
            f"{name}-role",
            project=args.project,
            role=ROLE,
            member=pulumi.Output.concat("serviceAccount:", account.email),
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, depends_on=args.apis.of("projects")),
        )
        self.register_outputs({"email": self.email})


@dataclass(frozen=True, kw_only=True)
class NodesArgs:
    """Arguments of the node pools."""

    settings: GcpCloud
    names: ResourceNames
    apis: Apis
    cluster: pulumi.Input[str]
    identity: NodeIdentity
    egress: pulumi.Resource


class Nodes(pulumi.ComponentResource):
    """A pool of nodes for Airflow's services and, where the stack asks for it, one for tasks."""

    pools: list[pulumi.Resource]

    def __init__(self, name: str, args: NodesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Nodes", name, None, opts)
        cluster = args.settings.cluster
        self.pools = [self._pool(name, "system", cluster.system_nodes, args)]
        if cluster.task_nodes is not None:
            self.pools.append(self._pool(name, "tasks", cluster.task_nodes, args))
        self.register_outputs({})

    def _pool(self, name: str, part: str, pool: Pool, args: NodesArgs) -> pulumi.Resource:
        return container.NodePool(
            f"{name}-{part}",
            # Only whether nodes are spot cannot change in place: under a new name the new pool comes first.
            name=f"{part}-spot" if pool.spot else part,
            cluster=args.cluster,
            location=args.settings.cluster_location,
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
                labels={POOL_LABEL: part},
                resource_labels=args.names.labels(),
                taints=[container.NodePoolNodeConfigTaintArgs(key=TASK_TAINT, value="true", effect="NO_SCHEDULE")]
                if part == "tasks"
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
                hooks=args.apis.hooks,
                # Nodes take their role and their way out at the start, and no input names either.
                depends_on=[args.identity.role, args.egress],
                # The autoscaler's, and the release channel's.
                ignore_changes=["initialNodeCount", "nodeCount", "version"],
                custom_timeouts=pulumi.CustomTimeouts(create="45m", update="90m", delete="45m"),
                # By default what has a name of the program's is deleted before its successor is there.
                delete_before_replace=False,
            ),
        )
