"""The AKS cluster: its control plane and first nodes, and how to log in to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import containerservice, managedidentity

from components.cloud.azure.kubeconfig import kubeconfig
from components.cloud.azure.names import NODE_GROUP_MAX, ResourceNames
from components.cloud.azure.nodes import FIRST_POOL, POOL_LABEL, SURGE, SYSTEM_TAINT, shape
from components.settings.azure.cloud import AzureCloud, Maintenance
from components.settings.azure.network import RangesApi

DNS_ADDRESS_INDEX: Final = 10
"""Which address of the Services' range the cluster's own DNS has."""
IMAGE_CLEANER_HOURS: Final = 168
SCHEDULES: Final = ("aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule")
"""ResourceNames that AKS knows: upgrades of Kubernetes, and of the nodes' system."""


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Arguments of the cluster."""

    settings: AzureCloud
    names: ResourceNames
    group: pulumi.Input[str]
    subnet: pulumi.Resource
    """The nodes'. No cluster moves to another one."""
    subnet_id: pulumi.Input[str]
    identity: managedidentity.UserAssignedIdentity
    """Who the cluster is in Azure."""
    tenant: pulumi.Input[str]
    """The directory of whoever logs in to the cluster."""
    outbound_address: pulumi.Output[str] | None
    """The address that nodes come from, where it is known beforehand."""
    gateway: bool
    """Whether Gateways of the application routing add-on are wanted."""
    before: Sequence[pulumi.Resource]
    """What must be there first, and stays until the cluster is gone: rights, ways out, what it attaches."""
    late: pulumi.ResourceHookBinding
    protect: bool


class Cluster(pulumi.ComponentResource):
    """An AKS cluster with its first pool; creation takes about 5 minutes."""

    id: pulumi.Output[str]
    name: pulumi.Output[str]
    resource: containerservice.ManagedCluster
    issuer: pulumi.Output[str]
    """Who signs the tokens of the cluster's ServiceAccounts."""
    kubeconfig: pulumi.Output[str]
    """Secret; logs in by kubelogin, and holds no token."""
    kubelet: pulumi.Output[str]
    """Object id of the identity that nodes pull images with."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Cluster", name, None, opts)
        settings, chosen = args.settings, args.settings.cluster
        # In state as "<name>-aks": renaming destroys the cluster and everything on it.
        cluster = containerservice.ManagedCluster(
            f"{name}-aks",
            resource_name_=args.names.physical_name(),
            resource_group_name=args.group,
            location=settings.location,
            dns_prefix=args.names.physical_name(limit=54),
            node_resource_group=args.names.physical_name("nodes", limit=NODE_GROUP_MAX),
            node_resource_group_profile=containerservice.ManagedClusterNodeResourceGroupProfileArgs(
                restriction_level="ReadOnly"
            ),
            sku=containerservice.ManagedClusterSKUArgs(name="Base", tier=chosen.tier.capitalize()),
            support_plan="AKSLongTermSupport" if chosen.tier == "premium" else "KubernetesOfficial",
            identity=containerservice.ManagedClusterIdentityArgs(
                type=containerservice.ResourceIdentityType.USER_ASSIGNED, user_assigned_identities=[args.identity.id]
            ),
            enable_rbac=True,
            disable_local_accounts=True,
            aad_profile=containerservice.ManagedClusterAADProfileArgs(
                managed=True, enable_azure_rbac=True, admin_group_object_ids=[*chosen.admin_groups] or None
            ),
            oidc_issuer_profile=containerservice.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
            api_server_access_profile=_api_server(args),
            network_profile=_network(settings),
            agent_pool_profiles=[_first_pool(args)],
            auto_scaler_profile=containerservice.ManagedClusterPropertiesAutoScalerProfileArgs(
                balance_similar_node_groups="true", expander="least-waste", skip_nodes_with_local_storage="false"
            ),
            auto_upgrade_profile=containerservice.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel=chosen.upgrades, node_os_upgrade_channel=chosen.node_upgrades
            ),
            security_profile=containerservice.ManagedClusterSecurityProfileArgs(
                workload_identity=containerservice.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True),
                image_cleaner=containerservice.ManagedClusterSecurityProfileImageCleanerArgs(
                    enabled=True, interval_hours=IMAGE_CLEANER_HOURS
                ),
            ),
            storage_profile=containerservice.ManagedClusterStorageProfileArgs(
                disk_csi_driver=containerservice.ManagedClusterStorageProfileDiskCSIDriverArgs(enabled=True),
                file_csi_driver=containerservice.ManagedClusterStorageProfileFileCSIDriverArgs(enabled=True),
                blob_csi_driver=containerservice.ManagedClusterStorageProfileBlobCSIDriverArgs(enabled=False),
                snapshot_controller=containerservice.ManagedClusterStorageProfileSnapshotControllerArgs(enabled=False),
            ),
            addon_profiles={"azurepolicy": containerservice.ManagedClusterAddonProfileArgs(enabled=chosen.policy)},
            ingress_profile=_ingress() if args.gateway else None,
            tags=args.names.tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                protect=args.protect,
                depends_on=[*args.before],
                # The upgrade channel's, and the autoscaler's. After a refresh the list in state has every pool, by
                # name; FIRST_POOL comes before all others, so that index 0 is the same pool there as here.
                ignore_changes=[
                    "kubernetesVersion",
                    "agentPoolProfiles[0].count",
                    "agentPoolProfiles[0].orchestratorVersion",
                ],
                hooks=args.late,
                replace_with=[args.subnet],
                # Nothing in that list replaces the cluster. What cannot change of a pool AKS refuses by itself
                # (PropertyChangeNotAllowed), and with an index that names another pool a plan to replace would be an
                # accident.
                delete_before_replace=True,
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="120m", delete="60m"),
            ),
        )
        self.resource, self.id, self.name = cluster, cluster.id, cluster.name
        self.issuer = cluster.oidc_issuer_profile.apply(lambda profile: profile.issuer_url if profile else "")
        self.kubelet = cluster.identity_profile.apply(
            lambda profiles: (profiles["kubeletidentity"].object_id if profiles else None) or ""
        )
        if settings.maintenance is not None:
            for schedule in SCHEDULES:
                self._maintained(name, schedule, settings.maintenance, args)
        self.kubeconfig = kubeconfig(
            cluster.name,
            args.group,
            chosen.login,
            args.tenant,
            pulumi.InvokeOutputOptions(parent=self, depends_on=[cluster]),
        )
        self.register_outputs({"name": self.name})

    def _maintained(self, name: str, schedule: str, window: Maintenance, args: ClusterArgs) -> None:
        use = "nodes" if "NodeOS" in schedule else "kubernetes"
        containerservice.MaintenanceConfiguration(
            f"{name}-{use}-maintenance",
            config_name=schedule,
            resource_group_name=args.group,
            resource_name_=self.name,
            maintenance_window=containerservice.MaintenanceWindowArgs(
                schedule=containerservice.ScheduleArgs(
                    weekly=containerservice.WeeklyScheduleArgs(day_of_week=window.day.capitalize(), interval_weeks=1)
                ),
                start_time=f"{window.hour:02}:00",
                duration_hours=window.duration_hours,
                utc_offset="+00:00",
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _api_server(args: ClusterArgs) -> containerservice.ManagedClusterAPIServerAccessProfileArgs:
    """From where the API is reached. Commands are never run by way of Azure, past all this."""
    endpoint = args.settings.cluster.endpoint
    ranges: list[pulumi.Input[str]] = []
    if isinstance(endpoint, RangesApi):
        ranges.extend(endpoint.ranges)
        if args.outbound_address is not None:
            # The nodes come from this address too.
            ranges.append(pulumi.Output.concat(args.outbound_address, "/32"))
    return containerservice.ManagedClusterAPIServerAccessProfileArgs(
        enable_private_cluster=False,
        authorized_ip_ranges=ranges or None,
        disable_run_command=True,
    )


def _network(settings: AzureCloud) -> containerservice.ContainerServiceNetworkProfileArgs:
    gateway = settings.network.outbound == "nat_gateway"
    return containerservice.ContainerServiceNetworkProfileArgs(
        network_plugin="azure",
        network_plugin_mode="overlay",
        network_dataplane="cilium",
        network_policy="cilium",
        pod_cidr=settings.network.pods,
        service_cidr=settings.network.services,
        dns_service_ip=settings.network.address_of_service(DNS_ADDRESS_INDEX),
        load_balancer_sku="standard",
        outbound_type="userAssignedNATGateway" if gateway else "loadBalancer",
    )


def _first_pool(args: ClusterArgs) -> containerservice.ManagedClusterAgentPoolProfileArgs:
    """The pool that a cluster begins with; it takes everything unless Airflow has a pool of its own."""
    chosen = args.settings.cluster
    apart = chosen.airflow_nodes is not None
    return containerservice.ManagedClusterAgentPoolProfileArgs(
        name=FIRST_POOL,
        mode="System",
        node_labels={POOL_LABEL: "system"},
        node_taints=[SYSTEM_TAINT] if apart else None,
        upgrade_settings=containerservice.AgentPoolUpgradeSettingsArgs(max_surge=SURGE),
        **shape(args.settings, chosen.system_nodes, args.subnet_id, args.names.tags()),
    )


def _ingress() -> containerservice.ManagedClusterIngressProfileArgs:
    """The application routing add-on without its controller of the old kind; `gateway_api` adds the new one."""
    return containerservice.ManagedClusterIngressProfileArgs(
        web_app_routing=containerservice.ManagedClusterIngressProfileWebAppRoutingArgs(
            enabled=True,
            nginx=containerservice.ManagedClusterIngressProfileNginxArgs(default_ingress_controller_type="None"),
        )
    )


def identity(
    name: str, *, names: ResourceNames, group: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> managedidentity.UserAssignedIdentity:
    """The managed identity of the cluster, created before it so that its roles exist when it uses them."""
    return managedidentity.UserAssignedIdentity(
        f"{name}-identity",
        resource_name_=names.physical_name("cluster"),
        resource_group_name=group,
        tags=names.tags(),
        opts=opts,
    )
