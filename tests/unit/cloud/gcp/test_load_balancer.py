"""The load balancer of a stack on Google Cloud: certificates, policies and access."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.unit.cloud.clouds import named
from tests.unit.program.test_order import waits_for
from tests.unit.recording.stacks_gcp import STACKS, recorded

WITH_GATEWAY = [
    stack for stack, config in STACKS.items() if config.get("airflow:exposure", {}).get("kind") == "gateway"
]


def test_a_gateway_gets_address_and_certificates_of_the_cloud() -> None:
    recording = recorded("gcp, protected with everything")
    [gateway] = recording.of_type("Gateway")
    address = named(recording, "airflow-cloud-load-balancer-address")
    assert gateway.plain["spec"]["gatewayClassName"] == "gke-l7-global-external-managed"
    assert gateway.plain["spec"]["addresses"] == [{"type": "NamedAddress", "value": address.plain["name"]}]
    held = named(recording, "airflow-cloud-load-balancer-certificates").plain["name"]
    assert gateway.plain["metadata"]["annotations"]["networking.gke.io/certmap"] == held
    entries = {f.plain["hostname"]: f for f in recording.of_cloud("CertificateMapEntry")}
    assert entries.keys() == {"airflow.simulated.test", "flower.simulated.test"}
    assert {entry.plain["map"] for entry in entries.values()} == {held}
    # A Gateway that is created before its certificates would answer without any.
    assert {entry.urn for entry in entries.values()} <= waits_for(recording, gateway)


def test_identity_aware_proxy_admits_to_the_stacks_hosts_alone() -> None:
    members = recorded("gcp, protected with everything").of_cloud("WebTypeComputeIamMember")
    assert {f.plain["member"] for f in members} == {"group:data@example.org", "user:ada@example.org"}
    assert {f.plain["condition"]["expression"] for f in members} == {
        'request.host == "airflow.simulated.test" || request.host == "flower.simulated.test"'
    }


@pytest.mark.parametrize("stack", WITH_GATEWAY)
def test_every_gateway_takes_tls_from_1_2_on_with_modern_ciphers_alone(stack: str) -> None:
    """Without a policy a load balancer of Google Cloud accepts TLS 1.0."""
    recording = recorded(stack)
    [gateway], [policy] = recording.of_type("Gateway"), recording.of_type("GCPGatewayPolicy")
    [rules] = recording.of_cloud("SSLPolicy")
    assert policy.plain["spec"] == {
        "default": {"sslPolicy": rules.plain["name"]},
        "targetRef": {
            "group": "gateway.networking.k8s.io",
            "kind": "Gateway",
            "name": gateway.plain["metadata"]["name"],
        },
    }
    assert policy.plain["metadata"]["namespace"] == gateway.plain["metadata"]["namespace"]
    assert (rules.plain["profile"], rules.plain["minTlsVersion"]) == ("MODERN", "TLS_1_2")
    # The load balancer uses the policy until the Gateway is deleted.
    assert {policy.urn, rules.urn} <= waits_for(recording, gateway)


@pytest.mark.parametrize("stack", WITH_GATEWAY)
def test_every_service_behind_a_gateway_has_one_policy_of_each_kind_and_time_to_answer(stack: str) -> None:
    """Of two policies for one Service the second is left out; and by default an answer ends after 30 seconds."""
    recording = recorded(stack)
    routed = {
        backend["name"]
        for route in recording.of_type("HTTPRoute")
        for rule in route.plain["spec"]["rules"]
        for backend in rule.get("backendRefs", [])
    }
    found = recording.of_type("HealthCheckPolicy", "GCPBackendPolicy")
    held = Counter((f.kind, f.plain["spec"]["targetRef"]["name"]) for f in found)
    assert held == {(kind, name): 1 for kind in ("HealthCheckPolicy", "GCPBackendPolicy") for name in routed}
    members = recording.config["airflow:cloud"].get("iap")
    wanted = {"timeoutSec": 3600, **({"iap": {"enabled": True}} if members else {})}
    assert [f.plain["spec"]["default"] for f in found if f.kind == "GCPBackendPolicy"] == [wanted] * len(routed)
