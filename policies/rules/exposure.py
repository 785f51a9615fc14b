"""Rules for services that are reachable from outside the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from policies.conditions import Where, listed, must_not_be
from policies.resource import Resource, at, is_unknown, mapping, may_be
from policies.rule import Rule

SERVICE: Final = "kubernetes:core/v1:Service"
GATEWAY: Final = "kubernetes:gateway.networking.k8s.io/v1:Gateway"
ROUTE: Final = "kubernetes:gateway.networking.k8s.io/v1:HTTPRoute"
INGRESS: Final = "kubernetes:networking.k8s.io/v1:Ingress"
PLAIN: Final = "http"
"""Name of the listener of plain HTTP."""
INTERNAL: Final = {
    "networking.gke.io/load-balancer-type": "Internal",
    "service.beta.kubernetes.io/azure-load-balancer-internal": "true",
}
"""Annotations of Services whose load balancer has a private address."""
GATEWAY_API: Final = "https://gateway-api.sigs.k8s.io/guides/tls/"
REDIRECTS: Final = "https://gateway-api.sigs.k8s.io/guides/http-redirect-rewrite/"


def _is_public(resource: Resource) -> bool:
    annotations = mapping(at(resource.props, "metadata.annotations"))
    return not any(annotations.get(key) == value for key, value in INTERNAL.items())


def _https(resource: Resource) -> Iterator[str]:
    listeners = listed(at(resource.props, "spec.listeners"))
    for listener in listeners:
        protocol = at(listener, "protocol")
        if protocol not in ("HTTP", "HTTPS", "TLS") and not is_unknown(protocol):
            yield f"spec.listeners[{at(listener, 'name')}].protocol is {protocol!r} and must be 'HTTPS'"
    if listeners and not any(may_be(at(listener, "protocol"), "HTTPS", "TLS") for listener in listeners):
        yield "spec.listeners has no listener with protocol HTTPS"


def _redirects(resource: Resource) -> Iterator[str]:
    """A route of the listener of plain HTTP redirects to HTTPS; every other route names its listener."""
    sections = [at(parent, "sectionName") for parent in listed(at(resource.props, "spec.parentRefs"))]
    if not any(section in (PLAIN, None) for section in sections):
        return
    for index, rule in enumerate(listed(at(resource.props, "spec.rules"))):
        filters = at(rule, "filters")
        if is_unknown(filters):
            continue
        redirects = [may_be(at(each, "requestRedirect.scheme"), "https") for each in listed(filters)]
        if redirects != [True] or listed(at(rule, "backendRefs")):
            yield f"spec.rules[{index}] answers plain HTTP and must redirect to https"


def _tls(resource: Resource) -> Iterator[str]:
    if not listed(at(resource.props, "spec.tls")):
        yield "spec.tls is not set: the Ingress answers plain HTTP"


RULES: Final = (
    Rule(
        id="service-load-balancer",
        title="No Service has a public load balancer: it would bypass TLS, and whoever decides who may come in.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:exposure to kind gateway.",
        source="https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer",
        checks={SERVICE: Where(_is_public, must_not_be("spec.type", "LoadBalancer"))},
    ),
    Rule(
        id="service-node-port",
        title="No Service answers plain HTTP on a port of every node.",
        prod="mandatory",
        dev="advisory",
        remedy="Set airflow:exposure to kind gateway or cluster_ip.",
        source="https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport",
        checks={SERVICE: must_not_be("spec.type", "NodePort")},
    ),
    Rule(
        id="gateway-https",
        title="A Gateway has listeners with TLS.",
        prod="mandatory",
        dev="mandatory",
        remedy="Set airflow:exposure.tls.",
        source=GATEWAY_API,
        checks={GATEWAY: _https, INGRESS: _tls},
    ),
    Rule(
        id="gateway-redirect",
        title="Plain HTTP only redirects to HTTPS.",
        prod="mandatory",
        dev="mandatory",
        remedy="Attach the route to a listener with TLS, as components/airflow/network/gateway.py does.",
        source=REDIRECTS,
        checks={ROUTE: _redirects},
    ),
)
