"""External access: a reserved address, certificates, and the policies of the load balancer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp import certificatemanager, compute, iap

from components.cloud.gcp.apis import Apis
from components.cloud.gcp.names import ResourceNames
from components.contract import cloud as contract
from components.contract.requirements import PublicHost
from components.kubernetes import naming

GATEWAY_CLASS: Final = "gke-l7-global-external-managed"
POLICY_VERSION: Final = "networking.gke.io/v1"
PROXIES: Final = ("130.211.0.0/22", "35.191.0.0/16")
"""Where requests and health checks come from, https://cloud.google.com/load-balancing/docs/https#firewall-rules."""
TLS_PROFILE: Final = "MODERN"
LEAST_TLS: Final = "TLS_1_2"
"""What every browser of the last ten years has; without a policy a load balancer takes TLS 1.0 as well,
https://cloud.google.com/load-balancing/docs/ssl-policies-concepts."""
RESPONSE_SECONDS: Final = 3600
"""How long one answer may take, from its beginning to its end; 30 unless something else is said, and the log of a task
that runs is one answer, https://cloud.google.com/kubernetes-engine/docs/how-to/configure-gateway-resources."""
HEALTH_SECONDS: Final = 15
UNHEALTHY_AFTER: Final = 4


@dataclass(frozen=True, kw_only=True)
class LoadBalancerArgs:
    """Arguments of the external access."""

    names: ResourceNames
    apis: Apis
    hosts: Sequence[PublicHost]
    managed_certificates: bool
    members: Sequence[str]
    """Who passes Identity-Aware Proxy; empty is without it."""
    protect: bool


class LoadBalancer(pulumi.ComponentResource):
    """A global address and what a Gateway of GKE needs behind it.

    A certificate is issued once its host's DNS name points to the address.
    """

    load_balancer: contract.LoadBalancer

    def __init__(self, name: str, args: LoadBalancerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:LoadBalancer", name, None, opts)
        # In state as "<name>-address": renaming gives another address, and DNS names point to the old one.
        address = compute.GlobalAddress(
            f"{name}-address",
            name=args.names.physical_name("address"),
            address_type="EXTERNAL",
            ip_version="IPV4",
            labels=args.names.labels(),
            opts=pulumi.ResourceOptions(
                parent=self, hooks=args.apis.hooks, protect=args.protect, depends_on=args.apis.of("compute")
            ),
        )
        # It cannot go before the Gateway: that waits for what names it.
        tls = compute.SSLPolicy(
            f"{name}-tls",
            name=args.names.physical_name("tls"),
            profile=TLS_PROFILE,
            min_tls_version=LEAST_TLS,
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, depends_on=args.apis.of("compute")),
        )
        certificates = self._certificates(name, args) if args.managed_certificates else None
        for member in args.members:
            self._admit(name, member, args)
        self.load_balancer = contract.LoadBalancer(
            gateway_class=GATEWAY_CLASS,
            address=address.address,
            addresses=[{"type": "NamedAddress", "value": address.name}],
            annotations={"networking.gke.io/certmap": certificates} if certificates is not None else {},
            trusted_proxies=PROXIES,
            holds_certificate=certificates is not None,
            gateway_policies=[_tls(tls.name)],
            backend_policies={
                host.workload: [_health_check(host.health_path), _backend(iap=bool(args.members))]
                for host in args.hosts
            },
        )
        self.register_outputs({"address": address.address})

    def _certificates(self, name: str, args: LoadBalancerArgs) -> pulumi.Output[str]:
        """Name of the map of certificates, known once it is filled."""
        first = pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, depends_on=args.apis.of("certificates"))
        # By default what has a name of the program's is deleted before its successor is there.
        certified = pulumi.ResourceOptions(
            parent=self,
            hooks=args.apis.hooks,
            depends_on=args.apis.of("certificates"),
            delete_before_replace=False,
        )
        mapped = pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, delete_before_replace=False)
        labels = args.names.labels()
        held = certificatemanager.CertificateMap(
            f"{name}-certificates", name=args.names.physical_name("certificates"), labels=labels, opts=first
        )
        entries: list[pulumi.Output[str]] = []
        for public in args.hosts:
            workload, host = public.workload, public.host
            # Another host is another certificate, made before the old one goes.
            physical = args.names.physical_name(workload, naming.digest(host)[:6])
            certificate = certificatemanager.Certificate(
                f"{name}-{workload}-certificate",
                name=physical,
                managed=certificatemanager.CertificateManagedArgs(domains=[host]),
                labels=labels,
                opts=certified,
            )
            entry = certificatemanager.CertificateMapEntry(
                f"{name}-{workload}-entry",
                name=physical,
                map=held.name,
                hostname=host,
                certificates=[certificate.id],
                labels=labels,
                opts=mapped,
            )
            entries.append(entry.id)
        return pulumi.Output.all(held.name, *entries).apply(lambda known: str(known[0]))

    def _admit(self, name: str, member: str, args: LoadBalancerArgs) -> None:
        """Let someone through to this stack's hosts; the load balancer's own parts have no names to bind to."""
        iap.WebTypeComputeIamMember(
            f"{name}-iap-{member}",
            role="roles/iap.httpsResourceAccessor",
            member=member,
            condition=iap.WebTypeComputeIamMemberConditionArgs(
                title=f"hosts of {args.names.instance}",
                expression=" || ".join(f'request.host == "{public.host}"' for public in args.hosts),
            ),
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, depends_on=args.apis.of("iap")),
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
    """Which versions of TLS the load balancer takes."""
    return contract.Policy(
        name="tls",
        api_version=POLICY_VERSION,
        kind="GCPGatewayPolicy",
        spec={"default": {"sslPolicy": policy}},
    )


def _backend(*, iap: bool) -> contract.Policy:
    """The timeout of responses, and Identity-Aware Proxy with the OAuth client that Google manages.

    A Service has one such policy: of two, the controller takes the older one and no part of the other.
    """
    return contract.Policy(
        name="backend",
        api_version=POLICY_VERSION,
        kind="GCPBackendPolicy",
        spec={"default": {"timeoutSec": RESPONSE_SECONDS, **({"iap": {"enabled": True}} if iap else {})}},
    )
