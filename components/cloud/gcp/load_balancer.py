"""External access: a reserved address, certificates, and the policies of the load balancer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp import certificatemanager, compute, iap

from components.cloud.gcp.scope import GcpScope
from components.cloud.ordering import after
from components.contract import cloud as contract
from components.contract.requirements import PublicHost
from components.kubernetes import naming

GATEWAY_CLASS: Final = "gke-l7-global-external-managed"
POLICY_VERSION: Final = "networking.gke.io/v1"
PROXIES: Final = ("130.211.0.0/22", "35.191.0.0/16")
"""Source ranges of requests and health checks, https://cloud.google.com/load-balancing/docs/https#firewall-rules."""
TLS_PROFILE: Final = "MODERN"
TLS_VERSION_MIN: Final = "TLS_1_2"
"""Supported by every browser of the last ten years; without a policy a load balancer also accepts TLS 1.0,
https://cloud.google.com/load-balancing/docs/ssl-policies-concepts."""
RESPONSE_SECONDS: Final = 3600
"""Timeout of one complete response. The default is 30, but the log of a running task is one long response,
https://cloud.google.com/kubernetes-engine/docs/how-to/configure-gateway-resources."""
HEALTH_SECONDS: Final = 15
UNHEALTHY_AFTER: Final = 4


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """Arguments of the external access."""

    scope: GcpScope
    hosts: Sequence[PublicHost]
    managed_certificates: bool


class LoadBalancer(pulumi.ComponentResource):
    """A global address, and the certificates and policies that a GKE Gateway needs.

    A certificate is issued after the host's DNS name points to the address.
    """

    load_balancer: contract.LoadBalancer

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:LoadBalancer", name, None, opts)
        scope, members = args.scope, args.scope.settings.iap
        # In state as "<name>-address": renaming gives another address, and DNS names point to the old one.
        address = compute.GlobalAddress(
            f"{name}-address",
            name=args.scope.names.physical_name("address"),
            address_type="EXTERNAL",
            ip_version="IPV4",
            labels=args.scope.names.labels(),
            opts=pulumi.ResourceOptions(
                parent=self,
                hooks=args.scope.apis.hooks,
                protect=scope.protect,
                depends_on=args.scope.apis.of("compute"),
            ),
        )
        # Must be deleted after the Gateway, which refers to it.
        tls = compute.SSLPolicy(
            f"{name}-tls",
            name=args.scope.names.physical_name("tls"),
            profile=TLS_PROFILE,
            min_tls_version=TLS_VERSION_MIN,
            opts=pulumi.ResourceOptions(
                parent=self, hooks=args.scope.apis.hooks, depends_on=args.scope.apis.of("compute")
            ),
        )
        certificates = self._certificates(name, args) if args.managed_certificates else None
        for member in members:
            self._grant_iap_access(name, member, args)
        self.load_balancer = contract.LoadBalancer(
            gateway_class=GATEWAY_CLASS,
            address=address.address,
            addresses=[{"type": "NamedAddress", "value": address.name}],
            annotations={"networking.gke.io/certmap": certificates} if certificates is not None else {},
            trusted_proxies=PROXIES,
            holds_certificate=certificates is not None,
            gateway_policies=[_tls(tls.name)],
            backend_policies={
                host.workload: [_health_check(host.health_path), _backend(iap=bool(members))] for host in args.hosts
            },
        )
        self.register_outputs({"address": address.address})

    def _certificates(self, name: str, args: LoadBalancerArgs) -> pulumi.Output[str]:
        """Name of the certificate map; it resolves after the map has all entries."""
        map_options = pulumi.ResourceOptions(
            parent=self, hooks=args.scope.apis.hooks, depends_on=args.scope.apis.of("certificates")
        )
        # Resources with an explicit name are deleted before they are replaced; create the replacement first.
        certificate_options = pulumi.ResourceOptions(
            parent=self,
            hooks=args.scope.apis.hooks,
            depends_on=args.scope.apis.of("certificates"),
            delete_before_replace=False,
        )
        entry_options = pulumi.ResourceOptions(parent=self, hooks=args.scope.apis.hooks, delete_before_replace=False)
        labels = args.scope.names.labels()
        certificate_map = certificatemanager.CertificateMap(
            f"{name}-certificates", name=args.scope.names.physical_name("certificates"), labels=labels, opts=map_options
        )
        entries: list[pulumi.Output[str]] = []
        for public in args.hosts:
            workload, host = public.workload, public.host
            # A new host gets a new certificate, which is created before the old one is deleted.
            resource_name = args.scope.names.physical_name(workload, naming.digest(host)[:6])
            certificate = certificatemanager.Certificate(
                f"{name}-{workload}-certificate",
                name=resource_name,
                managed=certificatemanager.CertificateManagedArgs(domains=[host]),
                labels=labels,
                opts=certificate_options,
            )
            entry = certificatemanager.CertificateMapEntry(
                f"{name}-{workload}-entry",
                name=resource_name,
                map=certificate_map.name,
                hostname=host,
                certificates=[certificate.id],
                labels=labels,
                opts=entry_options,
            )
            entries.append(entry.id)
        return after(certificate_map.name, entries)

    def _grant_iap_access(self, name: str, member: str, args: LoadBalancerArgs) -> None:
        """Grant a member access to this stack's hosts only, by a condition: backend services have no fixed names."""
        iap.WebTypeComputeIamMember(
            f"{name}-iap-{member}",
            role="roles/iap.httpsResourceAccessor",
            member=member,
            condition=iap.WebTypeComputeIamMemberConditionArgs(
                title=f"hosts of {args.scope.names.instance}",
                expression=" || ".join(f'request.host == "{public.host}"' for public in args.hosts),
            ),
            opts=pulumi.ResourceOptions(parent=self, hooks=args.scope.apis.hooks, depends_on=args.scope.apis.of("iap")),
        )


def _health_check(path: str) -> contract.Policy:
    return contract.Policy(
        name="health",
        api_version=POLICY_VERSION,
        kind="HealthCheckPolicy",
        spec={
            "default": {
                "checkIntervalSec": HEALTH_SECONDS,
                "timeoutSec": HEALTH_SECONDS,
                "healthyThreshold": 1,
                "unhealthyThreshold": UNHEALTHY_AFTER,
                "config": {"type": "HTTP", "httpHealthCheck": {"requestPath": path}},
            }
        },
    )


def _tls(policy: pulumi.Output[str]) -> contract.Policy:
    """The TLS versions that the load balancer accepts."""
    return contract.Policy(
        name="tls",
        api_version=POLICY_VERSION,
        kind="GCPGatewayPolicy",
        spec={"default": {"sslPolicy": policy}},
    )


def _backend(*, iap: bool) -> contract.Policy:
    """The timeout of responses, and Identity-Aware Proxy with the OAuth client that Google manages.

    A Service has one such policy: of two, the controller uses only the older one.
    """
    return contract.Policy(
        name="backend",
        api_version=POLICY_VERSION,
        kind="GCPBackendPolicy",
        spec={"default": {"timeoutSec": RESPONSE_SECONDS, **({"iap": {"enabled": True}} if iap else {})}},
    )
