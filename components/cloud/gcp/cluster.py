"""The GKE cluster: its control plane, and how to log in to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_gcp import container

from components.cloud.gcp.apis import Apis
from components.cloud.gcp.names import CLUSTER_MAX, ResourceNames
from components.cloud.gcp.network import PODS_RANGE, SERVICES_RANGE
from components.cloud.gcp.nodes import SCOPES
from components.settings.gcp.cloud import DnsEndpoint, Endpoint, GcpCloud

FIRST_WEEKEND: Final = "2000-01-01"
"""A Saturday, where the maintenance windows are counted from."""
WINDOW_HOURS: Final = 8
"""Two of these a week are above the 48 hours in 32 days that GKE asks for,
https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions."""


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Arguments of the cluster."""

    settings: GcpCloud
    names: ResourceNames
    apis: Apis
    network: pulumi.Input[str]
    subnet: pulumi.Input[str]
    node_account: pulumi.Input[str]
    """E-mail address of the nodes' service account."""
    shares: bool
    """Whether pods mount file shares of Filestore."""
    protect: bool


class Cluster(pulumi.ComponentResource):
    """A GKE cluster without nodes; creation takes about 6 minutes."""

    id: pulumi.Output[str]
    name: pulumi.Output[str]
    workload_pool: pulumi.Output[str]
    """Where the cluster's ServiceAccounts are members; it exists once a cluster of the project does."""
    kubeconfig: pulumi.Output[str]
    """Secret; logs in by the plugin gke-gcloud-auth-plugin, and holds no token."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Cluster", name, None, opts)
        settings, chosen = args.settings, args.settings.cluster
        everything = chosen.observe == "everything"
        # In state as "<name>-gke": renaming destroys the cluster and everything on it.
        cluster = container.Cluster(
            f"{name}-gke",
            name=args.names.physical_name(limit=CLUSTER_MAX),
            location=settings.cluster_location,
            node_locations=settings.node_zones if settings.cluster_location == settings.region else None,
            network=args.network,
            subnetwork=args.subnet,
            networking_mode="VPC_NATIVE",
            ip_allocation_policy=container.ClusterIpAllocationPolicyArgs(
                cluster_secondary_range_name=PODS_RANGE, services_secondary_range_name=SERVICES_RANGE
            ),
            datapath_provider="ADVANCED_DATAPATH",
            enable_intranode_visibility=True if everything else None,
            private_cluster_config=container.ClusterPrivateClusterConfigArgs(
                enable_private_nodes=True,
                # Without addresses there is nothing to say of them.
                enable_private_endpoint=None if isinstance(chosen.endpoint, DnsEndpoint) else False,
            ),
            control_plane_endpoints_config=_endpoints(chosen.endpoint),
            master_authorized_networks_config=_operators(chosen.endpoint),
            release_channel=container.ClusterReleaseChannelArgs(channel=chosen.channel.upper()),
            maintenance_policy=_maintenance(settings.maintenance_hour),
            workload_identity_config=container.ClusterWorkloadIdentityConfigArgs(
                workload_pool=f"{settings.project}.svc.id.goog"
            ),
            gateway_api_config=container.ClusterGatewayApiConfigArgs(channel="CHANNEL_STANDARD"),
            addons_config=_addons(shares=args.shares),
            enable_legacy_abac=False,
            enable_shielded_nodes=True,
            master_auth=container.ClusterMasterAuthArgs(
                client_certificate_config=container.ClusterMasterAuthClientCertificateConfigArgs(
                    issue_client_certificate=False
                )
            ),
            rbac_binding_config=container.ClusterRbacBindingConfigArgs(
                enable_insecure_binding_system_authenticated=False, enable_insecure_binding_system_unauthenticated=False
            ),
            anonymous_authentication_config=container.ClusterAnonymousAuthenticationConfigArgs(mode="LIMITED"),
            database_encryption=container.ClusterDatabaseEncryptionArgs(
                state="ENCRYPTED", key_name=chosen.encryption_key
            )
            if chosen.encryption_key is not None
            else None,
            binary_authorization=container.ClusterBinaryAuthorizationArgs(
                evaluation_mode="PROJECT_SINGLETON_POLICY_ENFORCE"
            )
            if chosen.signed_images_only
            else None,
            security_posture_config=container.ClusterSecurityPostureConfigArgs(
                mode="BASIC" if everything else "DISABLED"
            ),
            logging_config=container.ClusterLoggingConfigArgs(
                enable_components=["SYSTEM_COMPONENTS", "WORKLOADS"] if everything else ["SYSTEM_COMPONENTS"]
            ),
            monitoring_config=container.ClusterMonitoringConfigArgs(
                enable_components=["SYSTEM_COMPONENTS"],
                managed_prometheus=container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=everything),
            ),
            resource_labels=args.names.labels(),
            # A cluster begins with a pool that cannot be left out; it goes before the stack's own pools come.
            initial_node_count=1,
            remove_default_node_pool=True,
            node_config=_first_nodes(args.node_account),
            deletion_protection=args.protect,
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=args.apis.hooks,
                protect=args.protect,
                depends_on=args.apis.of("container", *cluster_apis(settings)),
                # The release channel's, and what the removed pool was made of.
                ignore_changes=["initialNodeCount", "minMasterVersion", "nodeConfig", "nodeVersion"],
                custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
            ),
        )
        self.id = cluster.id
        self.name = cluster.name
        self.workload_pool = cluster.workload_identity_config.apply(lambda config: config.workload_pool or "")
        self.kubeconfig = pulumi.Output.secret(_kubeconfig(settings, cluster))
        self.register_outputs({"name": self.name})


def _endpoints(endpoint: Endpoint) -> container.ClusterControlPlaneEndpointsConfigArgs:
    """One of the closed forms: by name through IAM, or by address from listed ranges."""
    by_name = isinstance(endpoint, DnsEndpoint)
    return container.ClusterControlPlaneEndpointsConfigArgs(
        dns_endpoint_config=container.ClusterControlPlaneEndpointsConfigDnsEndpointConfigArgs(
            allow_external_traffic=by_name
        ),
        ip_endpoints_config=container.ClusterControlPlaneEndpointsConfigIpEndpointsConfigArgs(enabled=not by_name),
    )


def _operators(endpoint: Endpoint) -> container.ClusterMasterAuthorizedNetworksConfigArgs | None:
    if isinstance(endpoint, DnsEndpoint):
        return None
    return container.ClusterMasterAuthorizedNetworksConfigArgs(
        cidr_blocks=[
            container.ClusterMasterAuthorizedNetworksConfigCidrBlockArgs(cidr_block=ranges, display_name="operators")
            for ranges in endpoint.ranges
        ],
        gcp_public_cidrs_access_enabled=False,
    )


def _maintenance(hour: int | None) -> container.ClusterMaintenancePolicyArgs | None:
    """When the cluster may be upgraded: at weekends from this hour on, or at any time."""
    if hour is None:
        return None
    end = hour + WINDOW_HOURS
    # A window that begins late ends on the Sunday.
    end_day, end_hour = (FIRST_WEEKEND, end) if end < 24 else ("2000-01-02", end - 24)
    return container.ClusterMaintenancePolicyArgs(
        recurring_window=container.ClusterMaintenancePolicyRecurringWindowArgs(
            start_time=f"{FIRST_WEEKEND}T{hour:02}:00:00Z",
            end_time=f"{end_day}T{end_hour:02}:00:00Z",
            recurrence="FREQ=WEEKLY;BYDAY=SA,SU",
        )
    )


def cluster_apis(cloud: GcpCloud) -> Iterator[str]:
    """The APIs that options of the cluster use, by the names that the program has for them."""
    if cloud.cluster.signed_images_only:
        # Before such a cluster is made, https://cloud.google.com/binary-authorization/docs/creating-cluster.
        yield "binaries"
    if cloud.cluster.observe == "everything":
        # https://cloud.google.com/kubernetes-engine/docs/concepts/about-security-posture-dashboard.
        yield "posture"


def _addons(*, shares: bool) -> container.ClusterAddonsConfigArgs:
    """CSI drivers of what pods mount, load balancing, and a cache of names on each node.

    Each driver costs memory on each node. One that is not used is not named: whether the API tells of a driver that is
    off is not documented, and what it does not tell would be a change at each `up`.
    """
    return container.ClusterAddonsConfigArgs(
        gce_persistent_disk_csi_driver_config=container.ClusterAddonsConfigGcePersistentDiskCsiDriverConfigArgs(
            enabled=True
        ),
        gcp_filestore_csi_driver_config=container.ClusterAddonsConfigGcpFilestoreCsiDriverConfigArgs(enabled=True)
        if shares
        else None,
        http_load_balancing=container.ClusterAddonsConfigHttpLoadBalancingArgs(disabled=False),
        dns_cache_config=container.ClusterAddonsConfigDnsCacheConfigArgs(enabled=True),
    )


def _first_nodes(account: pulumi.Input[str]) -> container.ClusterNodeConfigArgs:
    """The nodes that a cluster begins with: for minutes only, and yet not with the project's default account."""
    return container.ClusterNodeConfigArgs(
        service_account=account,
        oauth_scopes=SCOPES,
        image_type="COS_CONTAINERD",
        disk_size_gb=20,
        shielded_instance_config=container.ClusterNodeConfigShieldedInstanceConfigArgs(
            enable_secure_boot=True, enable_integrity_monitoring=True
        ),
        workload_metadata_config=container.ClusterNodeConfigWorkloadMetadataConfigArgs(mode="GKE_METADATA"),
    )


def _kubeconfig(settings: GcpCloud, cluster: container.Cluster) -> pulumi.Output[str]:
    """As `gcloud container clusters get-credentials` writes it, but for the login."""
    if isinstance(settings.cluster.endpoint, DnsEndpoint):
        # This name has a certificate of a public authority, not of the cluster's own.
        host = cluster.control_plane_endpoints_config.apply(lambda config: _dns_name(config))
        return pulumi.Output.all(cluster.name, host).apply(lambda known: kubeconfig(known[0], known[1], None))
    authority = cluster.master_auth.apply(lambda auth: auth.cluster_ca_certificate)
    return pulumi.Output.all(cluster.name, cluster.endpoint, authority).apply(
        lambda known: kubeconfig(known[0], known[1], known[2])
    )


def _dns_name(config: Any) -> str:
    return str(config.dns_endpoint_config.endpoint)


def kubeconfig(name: str, host: str, authority: str | None) -> str:
    """A kubeconfig with one context that logs in by Google's plugin.

    Args:
        name: what cluster, user and context are called.
        host: where the cluster's API is.
        ca_bundle: who signs its certificate, PEM in base64; None is a public authority.
    """
    cluster = {"server": f"https://{host}"}
    if authority is not None:
        cluster["certificate-authority-data"] = authority
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "gke-gcloud-auth-plugin",
        # Who made the cluster logs in to it. Without this the plugin takes the login of `gcloud` itself, which may be
        # missing or another one: kubernetes/cloud-provider-gcp on GitHub, cmd/gke-gcloud-auth-plugin/cred.go.
        "args": ["--use_application_default_credentials"],
        "installHint": (
            "run: gcloud components install gke-gcloud-auth-plugin, or with packages of Debian and Ubuntu: apt-get "
            "install google-cloud-cli-gke-gcloud-auth-plugin"
        ),
        "provideClusterInfo": True,
    }
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"exec": plugin}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )
