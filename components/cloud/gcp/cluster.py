"""The GKE cluster: the control plane and its kubeconfig."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_gcp import container

from components.cloud.gcp.names import CLUSTER_MAX
from components.cloud.gcp.network import PODS_RANGE, SERVICES_RANGE
from components.cloud.gcp.nodes import SCOPES
from components.cloud.gcp.scope import GcpScope
from components.settings.gcp.cloud import GcpCloud
from components.settings.gcp.network import DnsEndpoint, Endpoint
from components.settings.managed_cloud import Maintenance

FIRST_WEEKEND: Final = "2000-01-01"
"""The first Saturday of the recurring maintenance windows."""
WINDOW_HOURS: Final = 8
"""Two windows a week exceed GKE's minimum of 48 hours in 32 days,
https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions."""


@dataclass(frozen=True, kw_only=True)
class ClusterArgs:
    """Arguments of the cluster."""

    scope: GcpScope
    network: pulumi.Input[str]
    subnet: pulumi.Input[str]
    node_account: pulumi.Input[str]
    """E-mail address of the nodes' service account."""
    shares: bool
    """Whether pods mount file shares of Filestore."""


class Cluster(pulumi.ComponentResource):
    """A GKE cluster without nodes; creation takes about 6 minutes."""

    id: pulumi.Output[str]
    name: pulumi.Output[str]
    workload_pool: pulumi.Output[str]
    """The project's workload identity pool, which contains the cluster's ServiceAccounts. The project's first cluster
    creates it."""
    kubeconfig: pulumi.Output[str]
    """Secret. Logs in with the plugin gke-gcloud-auth-plugin and contains no token."""

    def __init__(self, name: str, args: ClusterArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Cluster", name, None, opts)
        scope, settings, options = args.scope, args.scope.settings, args.scope.settings.cluster
        everything = options.observe == "everything"
        # In state as "<name>-gke": renaming destroys the cluster and everything on it.
        cluster = container.Cluster(
            f"{name}-gke",
            name=scope.names.physical_name(limit=CLUSTER_MAX),
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
                # With the DNS endpoint alone there is no IP endpoint to configure.
                enable_private_endpoint=None if isinstance(options.endpoint, DnsEndpoint) else False,
            ),
            control_plane_endpoints_config=_endpoints(options.endpoint),
            master_authorized_networks_config=_operators(options.endpoint),
            release_channel=container.ClusterReleaseChannelArgs(channel=options.channel.upper()),
            maintenance_policy=_maintenance(settings.maintenance),
            workload_identity_config=container.ClusterWorkloadIdentityConfigArgs(
                workload_pool=f"{settings.project}.svc.id.goog"
            ),
            gateway_api_config=container.ClusterGatewayApiConfigArgs(channel="CHANNEL_STANDARD"),
            addons_config=_addons(shares=args.shares),
            enable_legacy_abac=False,
            enable_shielded_nodes=True,
            master_auth=_no_client_certificates(),
            rbac_binding_config=container.ClusterRbacBindingConfigArgs(
                enable_insecure_binding_system_authenticated=False, enable_insecure_binding_system_unauthenticated=False
            ),
            anonymous_authentication_config=container.ClusterAnonymousAuthenticationConfigArgs(mode="LIMITED"),
            database_encryption=_encryption(options.encryption_key),
            binary_authorization=_signed_images() if options.signed_images_only else None,
            security_posture_config=container.ClusterSecurityPostureConfigArgs(
                mode="BASIC" if everything else "DISABLED"
            ),
            logging_config=_logging(everything=everything),
            monitoring_config=_monitoring(everything=everything),
            resource_labels=scope.names.labels(),
            # GKE requires an initial pool; it is removed before the stack's own pools are created.
            initial_node_count=1,
            remove_default_node_pool=True,
            node_config=_first_nodes(args.node_account),
            deletion_protection=scope.protect,
            opts=self._options(scope),
        )
        self.id = cluster.id
        self.name = cluster.name
        self.workload_pool = cluster.workload_identity_config.apply(lambda config: config.workload_pool or "")
        self.kubeconfig = pulumi.Output.secret(_kubeconfig(settings, cluster))
        self.register_outputs({"name": self.name})

    def _options(self, scope: GcpScope) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(
            parent=self,
            hooks=scope.apis.hooks,
            protect=scope.protect,
            depends_on=scope.apis.of("container", *cluster_apis(scope.settings)),
            # Owned by the release channel, or inputs of the removed pool.
            ignore_changes=["initialNodeCount", "minMasterVersion", "nodeConfig", "nodeVersion"],
            custom_timeouts=pulumi.CustomTimeouts(create="60m", update="90m", delete="60m"),
        )


def _no_client_certificates() -> container.ClusterMasterAuthArgs:
    return container.ClusterMasterAuthArgs(
        client_certificate_config=container.ClusterMasterAuthClientCertificateConfigArgs(issue_client_certificate=False)
    )


def _encryption(key: str | None) -> container.ClusterDatabaseEncryptionArgs | None:
    """Encryption of Secrets by a key of the user's, where there is one."""
    return container.ClusterDatabaseEncryptionArgs(state="ENCRYPTED", key_name=key) if key is not None else None


def _signed_images() -> container.ClusterBinaryAuthorizationArgs:
    return container.ClusterBinaryAuthorizationArgs(evaluation_mode="PROJECT_SINGLETON_POLICY_ENFORCE")


def _endpoints(endpoint: Endpoint) -> container.ClusterControlPlaneEndpointsConfigArgs:
    """Access to the control plane: by DNS name with IAM, or by IP address from authorised ranges."""
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


def _maintenance(window: Maintenance | None) -> container.ClusterMaintenancePolicyArgs | None:
    """Maintenance windows for upgrades: at weekends from the window's hour, or at any time with None."""
    if window is None:
        return None
    end = window.hour + WINDOW_HOURS
    # A window that begins late ends on Sunday.
    end_day, end_hour = (FIRST_WEEKEND, end) if end < 24 else ("2000-01-02", end - 24)
    return container.ClusterMaintenancePolicyArgs(
        recurring_window=container.ClusterMaintenancePolicyRecurringWindowArgs(
            start_time=f"{FIRST_WEEKEND}T{window.hour:02}:00:00Z",
            end_time=f"{end_day}T{end_hour:02}:00:00Z",
            recurrence="FREQ=WEEKLY;BYDAY=SA,SU",
        )
    )


def cluster_apis(cloud: GcpCloud) -> Iterator[str]:
    """The APIs that options of the cluster need, as keys of FULL_NAMES."""
    if cloud.cluster.signed_images_only:
        # Needed before the cluster is created, https://cloud.google.com/binary-authorization/docs/creating-cluster.
        yield "binaries"
    if cloud.cluster.observe == "everything":
        # https://cloud.google.com/kubernetes-engine/docs/concepts/about-security-posture-dashboard.
        yield "posture"


def _addons(*, shares: bool) -> container.ClusterAddonsConfigArgs:
    """CSI drivers of the mounted volumes, load balancing, and a DNS cache on each node.

    Each driver costs memory on each node. An unused driver is not configured at all: it is not documented whether the
    API returns a disabled driver, and a missing one would be a change at each `up`.
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


def _logging(*, everything: bool) -> container.ClusterLoggingConfigArgs:
    return container.ClusterLoggingConfigArgs(
        enable_components=["SYSTEM_COMPONENTS", "WORKLOADS"] if everything else ["SYSTEM_COMPONENTS"]
    )


def _monitoring(*, everything: bool) -> container.ClusterMonitoringConfigArgs:
    return container.ClusterMonitoringConfigArgs(
        enable_components=["SYSTEM_COMPONENTS"],
        managed_prometheus=container.ClusterMonitoringConfigManagedPrometheusArgs(enabled=everything),
    )


def _first_nodes(account: pulumi.Input[str]) -> container.ClusterNodeConfigArgs:
    """The initial pool: it exists only for minutes, but must not use the project's default account either."""
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
    """The kubeconfig that `gcloud container clusters get-credentials` writes, except for the login."""
    if isinstance(settings.cluster.endpoint, DnsEndpoint):
        # The DNS name has a certificate of a public CA, not of the cluster's own CA.
        host = cluster.control_plane_endpoints_config.apply(lambda config: _dns_name(config))
        return pulumi.Output.all(cluster.name, host).apply(lambda values: kubeconfig(values[0], values[1], None))
    ca_bundle = cluster.master_auth.apply(lambda auth: auth.cluster_ca_certificate)
    return pulumi.Output.all(cluster.name, cluster.endpoint, ca_bundle).apply(
        lambda values: kubeconfig(values[0], values[1], values[2])
    )


def _dns_name(config: Any) -> str:
    return str(config.dns_endpoint_config.endpoint)


def kubeconfig(name: str, host: str, ca_bundle: str | None) -> str:
    """A kubeconfig with one context that logs in with Google's plugin.

    Args:
        name: of cluster, user and context.
        host: of the cluster's API.
        ca_bundle: verifies the API's certificate, PEM in base64; None means a public CA.
    """
    cluster = {"server": f"https://{host}"}
    if ca_bundle is not None:
        cluster["certificate-authority-data"] = ca_bundle
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": "gke-gcloud-auth-plugin",
        # Use the account that created the cluster. Without this the plugin uses the login of `gcloud` itself, which may
        # be missing or different: kubernetes/cloud-provider-gcp on GitHub, cmd/gke-gcloud-auth-plugin/cred.go.
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
