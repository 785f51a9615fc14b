"""External access of stacks with a Gateway."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.unit.program.test_order import waits_for
from tests.unit.recording import gateway_schemas
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import recorded, recordings
from tests.unit.recording.stand_in_cloud import ADDRESS, PROXIES
from tests.unit.recording.workloads import every_pod, options_of, pod_of

MANAGED: Final = "stand-in cloud, managed certificate"
ISSUED: Final = "stand-in cloud, certificate by an issuer"
OWN: Final = "stand-in cloud, own certificate"
EXPOSED: Final = (MANAGED, ISSUED, OWN)
UI: Final = "airflow.simulated.test"
FLOWER: Final = "flower.simulated.test"
KINDS: Final = ("Gateway", "HTTPRoute", "HealthCheckPolicy")


def gateway(recording: Recording) -> dict[str, Any]:
    return recording.the("Gateway", "airflow-exposure-gateway").plain


def asks_for_a_gateway(recording: Recording) -> bool:
    return recording.config.get("airflow:exposure", {}).get("kind") == "gateway"


def routes(recording: Recording) -> dict[str, dict[str, Any]]:
    """The routes by their listener."""
    found = {}
    for route in recording.of_type("HTTPRoute"):
        [parent] = route.plain["spec"]["parentRefs"]
        metadata = gateway(recording)["metadata"]
        assert (parent["name"], parent["namespace"]) == (metadata["name"], metadata["namespace"])
        found[parent["sectionName"]] = route.plain["spec"]
    return found


def test_only_a_stack_that_asks_for_it_has_a_way_in() -> None:
    offenders = [
        stack for stack, recording in recordings() if bool(recording.of_type(*KINDS)) != asks_for_a_gateway(recording)
    ]
    assert offenders == []
    assert all(asks_for_a_gateway(recorded(stack)) for stack in EXPOSED)


@pytest.mark.parametrize("stack", EXPOSED)
def test_the_gateway_apis_own_schema_accepts_every_object(stack: str) -> None:
    found = recorded(stack).of_type("Gateway", "HTTPRoute")
    assert len(found) >= 3
    assert [(f.name, violation) for f in found for violation in gateway_schemas.violations(f.plain)] == []
    broken = json.loads(json.dumps(gateway(recorded(stack))))
    broken["spec"]["listeners"][0]["ports"] = 80
    assert gateway_schemas.violations(broken) != []


@pytest.mark.parametrize("stack", EXPOSED)
def test_plain_http_leads_to_https_and_nowhere_else(stack: str) -> None:
    recording = recorded(stack)
    hosts = {UI, FLOWER} if stack == MANAGED else {UI}
    plain = [listener for listener in gateway(recording)["spec"]["listeners"] if listener["protocol"] != "HTTPS"]
    assert [(listener["protocol"], listener["port"]) for listener in plain] == [("HTTP", 80)]
    route = routes(recording)[plain[0]["name"]]
    assert {*route["hostnames"]} == hosts
    [rule] = route["rules"]
    assert "backendRefs" not in rule
    [filter_] = rule["filters"]
    assert filter_["requestRedirect"] == {"scheme": "https", "statusCode": 301}


@pytest.mark.parametrize("stack", EXPOSED)
def test_each_host_has_a_listener_and_leads_to_its_own_service_and_port(stack: str) -> None:
    recording = recorded(stack)
    wanted = {UI: ("airflow-api-server", 8080), FLOWER: ("airflow-flower", 5555)}
    services = {
        (found.object_name, port["port"])
        for found in recording.of_type("Service")
        for port in found.plain["spec"]["ports"]
    }
    listeners = {listener["hostname"]: listener for listener in gateway(recording)["spec"]["listeners"][1:]}
    assert listeners.keys() == ({UI, FLOWER} if stack == MANAGED else {UI})
    for host, listener in listeners.items():
        assert (listener["protocol"], listener["port"]) == ("HTTPS", 443)
        route = routes(recording)[listener["name"]]
        assert route["hostnames"] == [host]
        [backend] = route["rules"][0]["backendRefs"]
        assert (backend["name"], backend["port"]) == wanted[host]
        assert (backend["name"], backend["port"]) in services
    assert len(routes(recording)) == len(listeners) + 1


def test_no_listener_takes_routes_of_other_namespaces_than_airflows() -> None:
    """Except routes for plain HTTP with cert-manager, where an issuer validates the host."""
    for stack in EXPOSED:
        recording = recorded(stack)
        ours = {found.namespace for found in recording.of_type("HTTPRoute")}
        own = {gateway(recording)["metadata"]["namespace"]} if stack == ISSUED else set[str]()
        for listener in gateway(recording)["spec"]["listeners"]:
            namespaces = listener["allowedRoutes"]["namespaces"]
            assert namespaces["from"] == "Selector"
            assert namespaces["selector"].keys() == {"matchExpressions"}
            [allowed] = namespaces["selector"]["matchExpressions"]
            assert (allowed["key"], allowed["operator"]) == ("kubernetes.io/metadata.name", "In")
            assert {*allowed["values"]} == (ours | own if listener["protocol"] == "HTTP" else ours)


@pytest.mark.parametrize("stack", EXPOSED)
def test_the_gateway_has_a_namespace_of_its_own_that_admits_the_pods_of_a_proxy(stack: str) -> None:
    """Policies of a Service are in the Service's namespace."""
    recording = recorded(stack)
    where = gateway(recording)["metadata"]["namespace"]
    [own] = [found.plain["metadata"] for found in recording.of_type("Namespace") if found.object_name == where]
    assert own["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"
    assert where == "airflow-gateway"
    others = recording.of_type("HTTPRoute", "HealthCheckPolicy", "Service")
    assert {found.namespace for found in others} == {"airflow"}


@pytest.mark.parametrize(("stack", "secret"), [(MANAGED, None), (ISSUED, "airflow-tls"), (OWN, "airflow-tls")])
def test_the_certificate_comes_from_where_the_stack_says(stack: str, secret: str | None) -> None:
    found = gateway(recorded(stack))
    for listener in found["spec"]["listeners"][1:]:
        wanted = {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": secret}]} if secret else None
        assert listener.get("tls") == wanted
    annotations = found["metadata"]["annotations"]
    assert annotations.get("cert-manager.io/cluster-issuer") == ("letsencrypt" if stack == ISSUED else None)
    assert annotations.get("stand-in/certificates") == ("map" if stack == MANAGED else None)


def test_the_gateway_is_on_the_reserved_address() -> None:
    managed, own = gateway(recorded(MANAGED))["spec"], gateway(recorded(OWN))["spec"]
    assert managed["addresses"] == [{"type": "NamedAddress", "value": "reserved"}]
    assert "infrastructure" not in managed
    assert own["infrastructure"] == {"annotations": {"stand-in/address": "reserved"}}
    assert "addresses" not in own


def test_a_clouds_policies_are_attached_to_the_services_that_are_exposed() -> None:
    policies = {found.name: found.plain for found in recorded(MANAGED).of_type("HealthCheckPolicy")}
    assert {name: policy["spec"] for name, policy in policies.items()} == {
        f"airflow-exposure-{part}-health": {
            "a": 1,
            "targetRef": {"group": "", "kind": "Service", "name": f"airflow-{part}"},
        }
        for part in ("api-server", "flower")
    }


def test_a_clouds_policies_for_the_gateway_are_there_before_it_is() -> None:
    """A later policy would leave the Gateway unprotected for some time."""
    recording = recorded(MANAGED)
    [policy], [gateway_] = recording.of_type("TlsPolicy"), recording.of_type("Gateway")
    target = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gateway_.plain["metadata"]["name"]}
    assert policy.plain["spec"] == {"least": "1.2", "targetRef": target}
    assert policy.plain["metadata"]["namespace"] == gateway_.plain["metadata"]["namespace"]
    assert policy.urn in waits_for(recording, gateway_)


def test_nothing_waits_for_a_gateway_to_be_ready() -> None:
    """Pain 29: its certificate waits for DNS, and DNS for the end of this very `up`."""
    offenders = [
        f"{stack}: {found.name}"
        for stack in EXPOSED
        for found in recorded(stack).of_type(*KINDS)
        if found.plain["metadata"]["annotations"].get("pulumi.com/skipAwait") != "true"
    ]
    assert offenders == []


def test_headers_of_a_proxy_are_believed_only_where_one_is_and_only_from_its_addresses() -> None:
    offenders = []
    for stack, recording, pod in every_pod():
        if pod.part != "api-server":
            continue
        variables = {v["name"]: v.get("value") for v in pod.main["env"]}
        options = options_of(recording, pod)
        behind = asks_for_a_gateway(recording)
        told = {
            "--proxy-headers" in pod.main["args"],
            "FORWARDED_ALLOW_IPS" in variables,
            options.get("AIRFLOW__FAB__ENABLE_PROXY_FIX") == "True",
        }
        if told != {behind}:
            offenders.append(f"{stack}: {variables}")
        if stack in EXPOSED and variables["FORWARDED_ALLOW_IPS"] != ",".join((*PROXIES, ADDRESS)):
            offenders.append(f"{stack}: {variables}")
    assert offenders == []


def test_nobody_can_name_another_host_or_client_to_the_login() -> None:
    """The proxy forwards X-Forwarded-Host of any client."""
    options = options_of(recorded(OWN), pod_of(recorded(OWN), "api-server"))
    trusted = {key: options[f"AIRFLOW__FAB__PROXY_FIX_X_{key}"] for key in ("FOR", "PROTO", "HOST", "PORT", "PREFIX")}
    assert trusted == {"FOR": "0", "PROTO": "1", "HOST": "0", "PORT": "0", "PREFIX": "0"}
    assert options["AIRFLOW__FAB__COOKIE_SECURE"] == "True"


def test_links_name_the_host_and_tasks_stay_inside() -> None:
    for _, recording, pod in every_pod():
        if not pod.runs_airflow:
            continue
        options = options_of(recording, pod)
        exposed = "address" in recording.outputs
        linking = pod.part not in {"flower", "migration"}
        link = (f"https://{UI}" if exposed else "http://localhost:8080") if linking else None
        assert options.get("AIRFLOW__API__BASE_URL") == link
        assert ".svc:8080/" in options["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]


def test_users_are_told_the_address_and_what_dns_must_say() -> None:
    outputs = recorded(MANAGED).outputs
    assert outputs["url"] == f"https://{UI}"
    assert outputs["flower_url"] == f"https://{FLOWER}"
    assert outputs["address"] == ADDRESS
    assert outputs["dns_records"].splitlines() == [f"{UI} A {ADDRESS}", f"{FLOWER} A {ADDRESS}"]
    assert "flower_url" not in recorded(OWN).outputs
