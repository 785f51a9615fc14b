"""The AKS cluster: the control plane, the first node pool, and the kubeconfig."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import containerservice, managedidentity

from components.cloud.azure.kubeconfig import kubeconfig
from components.cloud.azure.names import NODE_GROUP_MAX
from components.cloud.azure.nodes import FIRST_POOL, POOL_LABEL, SURGE, SYSTEM_TAINT, shape
from components.cloud.azure.scope import AzureScope
from components.settings.azure.cloud import AzureCloud, WeeklyMaintenance
from components.settings.managed_cloud import AuthorizedRanges

DNS_ADDRESS_INDEX: Final = 10
"""Index of the cluster DNS address in the Services' range."""
IMAGE_CLEANER_HOURS: Final = 168
SCHEDULES: Final = ("aksManagedAutoUpgradeSchedule", "aksManagedNodeOSUpgradeSchedule")
"""Names that AKS defines: upgrades of Kubernetes, and of the nodes' operating system."""


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Arguments of the cluster."""

    scope: AzureScope
    subnet: pulumi.Resource
    """The nodes' subnet. A cluster cannot move to another subnet."""
    subnet_id: pulumi.Input[str]
    identity: managedidentity.UserAssignedIdentity
    """The cluster's managed identity."""
    tenant: pulumi.Input[str]
    """The Entra tenant of the cluster's users."""
    outbound_address: pulumi.Output[str] | None
    """Outbound address of the nodes, if it is known before the cluster exists."""
    gateway: bool
    """Whether to enable Gateways of the application routing add-on."""
    before: Sequence[pulumi.Resource]
    """Resources that must exist before and during the cluster's life: roles, outbound access, attached resources."""


class Cluster(pulumi.ComponentResource):
    """An AKS cluster with its first pool; creation takes about 5 minutes."""

    id: pulumi.Output[str]
    name: pulumi.Output[str]
    resource: containerservice.ManagedCluster
    issuer: pulumi.Output[str]
    """The OIDC issuer of the cluster's ServiceAccount tokens."""
    kubeconfig: pulumi.Output[str]
    """Secret. Logs in with kubelogin and contains no token."""
    kubelet: pulumi.Output[str]
    """Object id of the identity that nodes pull images with."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Cluster", name, None, opts)
        scope, settings, options = args.scope, args.scope.settings, args.scope.settings.cluster
        # In state as "<name>-aks": renaming destroys the cluster and everything on it.
        cluster = containerservice.ManagedCluster(
            f"{name}-aks",
            resource_name_=scope.names.physical_name(),
            resource_group_name=scope.group,
            location=settings.region,
            dns_prefix=scope.names.physical_name(limit=54),
            node_resource_group=scope.names.physical_name("nodes", limit=NODE_GROUP_MAX),
            node_resource_group_profile=containerservice.ManagedClusterNodeResourceGroupProfileArgs(
                restriction_level="ReadOnly"
            ),
            sku=containerservice.ManagedClusterSKUArgs(name="Base", tier=options.tier.capitalize()),
            support_plan="AKSLongTermSupport" if options.tier == "premium" else "KubernetesOfficial",
            identity=containerservice.ManagedClusterIdentityArgs(
                type=containerservice.ResourceIdentityType.USER_ASSIGNED, user_assigned_identities=[args.identity.id]
            ),
            enable_rbac=True,
            disable_local_accounts=True,
            aad_profile=containerservice.ManagedClusterAADProfileArgs(
                managed=True, enable_azure_rbac=True, admin_group_object_ids=[*options.admin_groups] or None
            ),
            oidc_issuer_profile=containerservice.ManagedClusterOIDCIssuerProfileArgs(enabled=True),
            api_server_access_profile=_api_server(args),
            network_profile=_network(settings),
            agent_pool_profiles=[_first_pool(args)],
            auto_scaler_profile=containerservice.ManagedClusterPropertiesAutoScalerProfileArgs(
                balance_similar_node_groups="true", expander="least-waste", skip_nodes_with_local_storage="false"
            ),
            auto_upgrade_profile=containerservice.ManagedClusterAutoUpgradeProfileArgs(
                upgrade_channel=options.channel, node_os_upgrade_channel=options.node_upgrades
            ),
            security_profile=_security(),
            storage_profile=_storage(),
            addon_profiles={"azurepolicy": containerservice.ManagedClusterAddonProfileArgs(enabled=options.policy)},
            ingress_profile=_ingress() if args.gateway else None,
            tags=args.scope.names.tags(),
            opts=self._options(args),
        )
        self.resource, self.id, self.name = cluster, cluster.id, cluster.name
        self.issuer = cluster.oidc_issuer_profile.apply(lambda profile: profile.issuer_url if profile else "")
        self.kubelet = cluster.identity_profile.apply(
            lambda profiles: (profiles["kubeletidentity"].object_id if profiles else None) or ""
        )
        if settings.maintenance is not None:
            for schedule in SCHEDULES:
                self._maintenance_configuration(name, schedule, settings.maintenance, args)
        self.kubeconfig = kubeconfig(
            cluster.name,
            args.scope.group,
            options.login,
            args.tenant,
            pulumi.InvokeOutputOptions(parent=self, depends_on=[cluster]),
        )
        self.register_outputs({"name": self.name})

    def _options(self, args: ClusterArgs) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            protect=args.scope.protect,
            depends_on=[*args.before],
            # Owned by the upgrade channel and the autoscaler. After a refresh the list in state has every pool, ordered
            # by name; FIRST_POOL comes before all others, so that index 0 is the same pool there and here.
            ignore_changes=[
                "kubernetesVersion",
                "agentPoolProfiles[0].count",
                "agentPoolProfiles[0].orchestratorVersion",
            ],
            hooks=args.scope.late,
            replace_with=[args.subnet],
            # No field of agentPoolProfiles replaces the cluster. AKS itself refuses changes of a pool's immutable
            # fields (PropertyChangeNotAllowed), and if an index pointed at another pool, a replacement would
            # destroy the cluster by mistake.
            delete_before_replace=True,
            custom_timeouts=pulumi.CustomTimeouts(create="60m", update="120m", delete="60m"),
        )

    def _maintenance_configuration(
        self, name: str, schedule: str, window: WeeklyMaintenance, args: ClusterArgs
    ) -> None:
        use = "nodes" if "NodeOS" in schedule else "kubernetes"
        containerservice.MaintenanceConfiguration(
            f"{name}-{use}-maintenance",
            config_name=schedule,
            resource_group_name=args.scope.group,
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
    """Authorised ranges of the API. `az aks command invoke` is disabled, because it bypasses them."""
    endpoint = args.scope.settings.cluster.endpoint
    ranges: list[pulumi.Input[str]] = []
    if isinstance(endpoint, AuthorizedRanges):
        ranges.extend(endpoint.ranges)
        if args.outbound_address is not None:
            # The nodes reach the API from this address.
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


def _security() -> containerservice.ManagedClusterSecurityProfileArgs:
    """Identities of workloads, and the removal of images that nothing uses."""
    return containerservice.ManagedClusterSecurityProfileArgs(
        workload_identity=containerservice.ManagedClusterSecurityProfileWorkloadIdentityArgs(enabled=True),
        image_cleaner=containerservice.ManagedClusterSecurityProfileImageCleanerArgs(
            enabled=True, interval_hours=IMAGE_CLEANER_HOURS
        ),
    )


def _storage() -> containerservice.ManagedClusterStorageProfileArgs:
    """CSI drivers of the volumes that a stack may have."""
    return containerservice.ManagedClusterStorageProfileArgs(
        disk_csi_driver=containerservice.ManagedClusterStorageProfileDiskCSIDriverArgs(enabled=True),
        file_csi_driver=containerservice.ManagedClusterStorageProfileFileCSIDriverArgs(enabled=True),
        blob_csi_driver=containerservice.ManagedClusterStorageProfileBlobCSIDriverArgs(enabled=False),
        snapshot_controller=containerservice.ManagedClusterStorageProfileSnapshotControllerArgs(enabled=False),
    )


def _first_pool(args: ClusterArgs) -> containerservice.ManagedClusterAgentPoolProfileArgs:
    """The pool that is part of the cluster; it also runs Airflow unless Airflow has its own pool."""
    options = args.scope.settings.cluster
    apart = options.airflow_nodes is not None
    return containerservice.ManagedClusterAgentPoolProfileArgs(
        name=FIRST_POOL,
        mode="System",
        node_labels={POOL_LABEL: "system"},
        node_taints=[SYSTEM_TAINT] if apart else None,
        upgrade_settings=containerservice.AgentPoolUpgradeSettingsArgs(max_surge=SURGE),
        **shape(args.scope.settings, options.system_nodes, args.subnet_id, args.scope.names.tags()),
    )


def _ingress() -> containerservice.ManagedClusterIngressProfileArgs:
    """The application routing add-on without its nginx controller; `create_gateway_api` enables Gateways."""
    return containerservice.ManagedClusterIngressProfileArgs(
        web_app_routing=containerservice.ManagedClusterIngressProfileWebAppRoutingArgs(
            enabled=True,
            nginx=containerservice.ManagedClusterIngressProfileNginxArgs(default_ingress_controller_type="None"),
        )
    )


def create_identity(name: str, scope: AzureScope, opts: pulumi.ResourceOptions) -> managedidentity.UserAssignedIdentity:
    """The managed identity of the cluster, created before the cluster so that its roles exist in time."""
    return managedidentity.UserAssignedIdentity(
        f"{name}-identity",
        resource_name_=scope.names.physical_name("cluster"),
        resource_group_name=scope.group,
        tags=scope.names.tags(),
        opts=opts,
    )
