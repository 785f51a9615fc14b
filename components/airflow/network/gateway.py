"""External access: a Gateway on the cloud's reserved address, HTTPS only, one host per service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
from pulumi_kubernetes.apiextensions import CustomResource
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components.airflow.context import InstanceContext
from components.airflow.ports import API_PORT, FLOWER_PORT
from components.airflow.secrets.provided import create_tls_secret
from components.contract.cloud import LoadBalancer
from components.contract.workloads import Workload
from components.kubernetes import pods
from components.kubernetes.pod_security import pod_security_labels
from components.settings.sections.exposure import Gateway

API_VERSION: Final = "gateway.networking.k8s.io/v1"
ISSUER_ANNOTATION: Final = "cert-manager.io/cluster-issuer"
"""With it cert-manager creates the Secret that the listeners name, https://cert-manager.io/docs/usage/gateway/."""
PLAIN_LISTENER: Final = "http"
NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A service with a host name of its own."""

    workload: Workload
    host: str
    port: int

    @property
    def listener(self) -> str:
        """The name of its listener."""
        return f"https-{self.workload}"


def backends(exposure: Gateway) -> list[Backend]:
    """The backend services of the Gateway."""
    services = [Backend(workload="api-server", host=exposure.host, port=API_PORT)]
    if exposure.flower_host is not None:
        services.append(Backend(workload="flower", host=exposure.flower_host, port=FLOWER_PORT))
    return services


@dataclass(frozen=True, kw_only=True)
class ExposureArgs:
    """Arguments of the external access."""

    context: InstanceContext
    exposure: Gateway
    load_balancer: LoadBalancer
    services: Mapping[Workload, pulumi.Output[str]]
    """The names of the backend Services."""


class Exposure(pulumi.ComponentResource):
    """A Gateway in a namespace of its own, a route for each host, and one that sends plain HTTP to HTTPS.

    A controller may run the Gateway's proxy in the same namespace, as Istio does, in pods that Pod Security
    "restricted" does not admit (no seccompProfile, https://github.com/istio-ecosystem/sail-operator/issues/1423): the
    Gateway cannot be in Airflow's namespace. Routes and the policies of Services stay with the Services.

    Nothing here waits for the Gateway to be ready: its certificate needs the DNS names, and these need the address.
    """

    def __init__(self, name: str, args: ExposureArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:airflow:Exposure", name, None, opts)
        self._context = args.context
        backend_services = backends(args.exposure)
        namespace = Namespace(
            f"{name}-namespace",
            metadata=ObjectMetaArgs(
                name=gateway_namespace(args.context.settings.namespace),
                labels={**args.context.labels("exposure"), **pod_security_labels("baseline")},
            ),
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=args.context.kubernetes,
                # The same time as for the Gateway in it.
                custom_timeouts=pulumi.CustomTimeouts(delete="30m"),
            ),
        )
        if args.exposure.tls.from_stack:
            create_tls_secret(args.context.settings, namespace.metadata.name, args.context.kubernetes, self)
        gateway_name = args.context.object_name("gateway")
        target = {"group": API_VERSION.partition("/")[0], "kind": "Gateway", "name": gateway_name}
        policies = [
            self._create_object(
                f"{name}-gateway-{policy.name}",
                "gateway",
                policy.name,
                # They apply only to a Gateway in the same namespace.
                namespace=namespace.metadata.name,
                api_version=policy.api_version,
                kind=policy.kind,
                spec={**policy.spec, "targetRef": target},
            )
            for policy in args.load_balancer.gateway_policies
        ]
        gateway = self._create_object(
            f"{name}-gateway",
            "gateway",
            kind="Gateway",
            namespace=namespace.metadata.name,
            spec=gateway_spec(args, backend_services),
            annotations={**args.load_balancer.annotations, **_certificate_annotations(args.exposure)},
            # The Gateway is never open without its policies; it uses the cloud resources that they name until it is
            # deleted.
            after=policies,
        )
        parent = {"name": gateway_name, "namespace": namespace.metadata.name}
        self._create_routes(name, args, backend_services, parent, gateway)
        self.register_outputs({})

    def _create_routes(
        self,
        name: str,
        args: ExposureArgs,
        backend_services: Sequence[Backend],
        parent: Mapping[str, pulumi.Input[str]],
        gateway: pulumi.Resource,
    ) -> None:
        """The redirect to HTTPS, and for each host its route and the policies of its Service."""
        self._create_object(
            f"{name}-redirect",
            "redirect",
            kind="HTTPRoute",
            spec=redirect_spec(parent, [backend.host for backend in backend_services]),
            after=[gateway],
        )
        for backend in backend_services:
            service = args.services[backend.workload]
            self._create_object(
                f"{name}-{backend.workload}-route",
                backend.workload,
                kind="HTTPRoute",
                spec=route_spec(parent, backend, service),
                after=[gateway],
            )
            for policy in args.load_balancer.backend_policies.get(backend.workload, ()):
                self._create_object(
                    f"{name}-{backend.workload}-{policy.name}",
                    backend.workload,
                    policy.name,
                    api_version=policy.api_version,
                    kind=policy.kind,
                    spec={**policy.spec, "targetRef": {"group": "", "kind": "Service", "name": service}},
                )

    def _create_object(
        self,
        name: str,
        *parts: str,
        kind: str,
        spec: Mapping[str, Any],
        namespace: pulumi.Output[str] | None = None,
        api_version: str = API_VERSION,
        annotations: Mapping[str, pulumi.Input[str]] | None = None,
        after: Sequence[pulumi.Resource] = (),
    ) -> CustomResource:
        """An object of a kind for which the SDK has no class; by default in Airflow's namespace."""
        return CustomResource(
            name,
            api_version=api_version,
            kind=kind,
            metadata=ObjectMetaArgs(
                name=self._context.object_name(*parts),
                namespace=namespace if namespace is not None else self._context.namespace,
                labels=self._context.labels("exposure"),
                annotations={**(annotations or {}), **pods.SKIP_AWAIT},
            ),
            spec=dict(spec),
            # The SDK knows no outputs of such kinds, so no data flows from one to the other.
            opts=pulumi.ResourceOptions(
                parent=self,
                provider=self._context.kubernetes,
                depends_on=[*after] or None,
                # A controller's finalizers wait for the slow deletion of the load balancer: the default is 10 minutes,
                # https://github.com/kubernetes/ingress-gce/issues/1720.
                custom_timeouts=pulumi.CustomTimeouts(delete="30m"),
            ),
        )


def gateway_namespace(namespace: str) -> str:
    """The namespace of an instance's Gateway, and of the Secret with its certificate."""
    return f"{namespace}-gateway"


def certificate(context: InstanceContext, exposure: Gateway, load_balancer: LoadBalancer) -> str | None:
    """The Secret with the certificate, in the Gateway's namespace; None if the cloud manages the certificate."""
    if exposure.tls.from_cloud:
        assert load_balancer.holds_certificate, "a cloud must make the certificate that settings ask for"
        return None
    return exposure.tls.external_secret or context.object_name("tls")


def gateway_spec(args: ExposureArgs, backend_services: Sequence[Backend]) -> dict[str, Any]:
    """The Gateway: a listener of plain HTTP for the redirect only, and one HTTPS listener per host."""
    load_balancer = args.load_balancer
    secret = certificate(args.context, args.exposure, load_balancer)
    tls = {"tls": {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": secret}]}} if secret else {}
    plain_from = [args.context.settings.namespace]
    if args.exposure.tls.cluster_issuer is not None:
        # An issuer with HTTP-01 challenges creates a route for one path in the certificate's namespace; this path has
        # precedence over the redirect of all paths: https://cert-manager.io/docs/configuration/acme/http01/.
        plain_from.append(gateway_namespace(args.context.settings.namespace))
    spec: dict[str, Any] = {
        "gatewayClassName": load_balancer.gateway_class,
        "listeners": [
            {"name": PLAIN_LISTENER, "protocol": "HTTP", "port": 80, **_routes_from(plain_from)},
            *(
                {
                    "name": backend.listener,
                    "hostname": backend.host,
                    "protocol": "HTTPS",
                    "port": 443,
                    **tls,
                    **_routes_from([args.context.settings.namespace]),
                }
                for backend in backend_services
            ),
        ],
    }
    if load_balancer.addresses:
        spec["addresses"] = [dict(address) for address in load_balancer.addresses]
    if load_balancer.infrastructure_annotations:
        spec["infrastructure"] = {"annotations": dict(load_balancer.infrastructure_annotations)}
    return spec


def redirect_spec(gateway: Mapping[str, pulumi.Input[str]], hosts: Sequence[str]) -> dict[str, Any]:
    """The route of plain HTTP: it only redirects to the same URL with HTTPS."""
    redirect = {"type": "RequestRedirect", "requestRedirect": {"scheme": "https", "statusCode": 301}}
    return {
        "parentRefs": [{**gateway, "sectionName": PLAIN_LISTENER}],
        "hostnames": list(hosts),
        "rules": [{"filters": [redirect]}],
    }


def route_spec(
    gateway: Mapping[str, pulumi.Input[str]], backend: Backend, service: pulumi.Output[str]
) -> dict[str, Any]:
    """The route of a host to its Service."""
    return {
        "parentRefs": [{**gateway, "sectionName": backend.listener}],
        "hostnames": [backend.host],
        "rules": [{"backendRefs": [{"name": service, "port": backend.port}]}],
    }


def _routes_from(namespaces: Sequence[str]) -> dict[str, Any]:
    """The namespaces whose routes are allowed: a route of any other namespace could serve pages at this address.

    Kubernetes itself sets the label.
    """
    selector = {"matchExpressions": [{"key": NAMESPACE_LABEL, "operator": "In", "values": [*namespaces]}]}
    return {
        "allowedRoutes": {"namespaces": {"from": "Selector", "selector": selector}, "kinds": [{"kind": "HTTPRoute"}]}
    }


def _certificate_annotations(exposure: Gateway) -> dict[str, str]:
    issuer = exposure.tls.cluster_issuer
    return {ISSUER_ANNOTATION: issuer} if issuer is not None else {}
