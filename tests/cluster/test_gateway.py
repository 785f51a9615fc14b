"""A stack with a Gateway, tested from outside: a certificate by ACME, HTTPS, the login, no answer for other hosts.

The stack is a small one on the simulated Azure. Traefik, cert-manager and Pebble are the real programs.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab import demo
from lab.clouds.inventory import FOLDER_VARIABLE, Inventory
from lab.engine.stack import Stack
from lab.engine.workspace import workspace
from lab.gateway.install import GatewayControllers
from lab.gateway.pebble import Pebble
from lab.kubectl import kubectl
from lab.node.names import Names
from lab.node.node import Node
from lab.services import database
from lab.services.standins import StandIns
from lab.stack_file import COMPONENTS, CPU_MILLI
from tests.cluster.cluster import Object, objects, wait_until
from tests.cluster.deployed import NAMESPACE, SERVERS
from tests.cluster.installation import Installation
from tests.cluster.outside import Browser

pytestmark = [
    pytest.mark.gateway,
    pytest.mark.timeout(1200),
    pytest.mark.lab_node("simulated clouds stand beside the lab's node"),
]

GATEWAY_CLASS = "approuting-istio"
GATEWAYS = f"{NAMESPACE}-gateway"
HOST = "airflow.simulated.test"
OTHER = "other.simulated.test"
ISSUER = "acme"
SETTINGS: dict[str, Any] = {
    "cloud": {
        "kind": "azure",
        "subscription_id": "11111111-2222-3333-4444-555555555555",
        "region": "swedencentral",
        "zones": ["1"],
    },
    # Only the services run, because no task is started.
    "executor": {"kind": "kubernetes"},
    "components": {name: {"cpu_milli": CPU_MILLI} for name in COMPONENTS},
    "logs": {"kind": "store"},
    "exposure": {"kind": "gateway", "host": HOST, "tls": {"kind": "cert_manager", "issuer": ISSUER}},
}


@dataclass(frozen=True)
class Exposed:
    """A deployed stack, and a browser that trusts the issuer of its certificates."""

    stack: Stack
    browser: Browser
    inventory: Inventory

    def fresh(self) -> Browser:
        """A browser without cookies."""
        return Browser(self.browser.address, self.browser.trusted)


@pytest.fixture(scope="module")
def exposed(node: Node, airflow_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exposed]:
    """The tests run in the order of this file; the last one destroys the stack."""
    folder: Path = tmp_path_factory.mktemp("gateway")
    clouds = Inventory(folder / "clouds")
    leftovers = Installation(name=NAMESPACE, executor="kubernetes", folder=folder)
    leftovers.clear()
    controllers, pebble, names = (
        GatewayControllers(node, GATEWAY_CLASS),
        Pebble(node.instance, folder),
        Names(node.instance),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(clouds.folder))
        services = StandIns(node, clouds)
        services.up()
        try:
            services.furnish("azure")
            controllers.up()
            pebble.start()
            # Like a user with the output `dns_records`.
            names.give("gateway", dict.fromkeys((HOST, OTHER), controllers.address))
            gateway = {"name": f"{NAMESPACE}-gateway", "namespace": GATEWAYS}
            kubectl("apply", "-f", "-", text=json.dumps(pebble.issuer(ISSUER, gateway)))
            text = json.dumps({"config": {f"airflow:{key}": value for key, value in SETTINGS.items()}})
            stack = workspace(folder / "program", "gateway", demo.simulated_variables(folder / "pulumi"), text)
            stack.up()
            yield Exposed(stack, Browser(controllers.address, pebble.root()), clouds)
        finally:
            leftovers.clear()
            controllers.down()
            names.withdraw("gateway")
            pebble.stop()
            for item in clouds.read().of(*SERVERS):
                database.stop(item.id.rpartition("/")[2], node)


def holds(found: Object, condition: str) -> bool:
    """Whether a condition of an object's status, or of a listener's, is true."""
    conditions = found.get("conditions", [])
    return any(each["type"] == condition and each["status"] == "True" for each in conditions)


def test_cert_manager_gets_the_certificate_by_a_proof_over_plain_http(exposed: Exposed) -> None:
    def ready() -> bool:
        found = objects("certificates.cert-manager.io", GATEWAYS)
        return bool(found) and all(holds(each.get("status", {}), "Ready") for each in found)

    # The routes of its challenges are in the Gateway's namespace, and precede the redirect to HTTPS.
    wait_until("the certificate is issued", ready, timeout_seconds=180)
    [certificate] = objects("certificates.cert-manager.io", GATEWAYS)
    assert certificate["spec"]["dnsNames"] == [HOST]
    [order] = objects("orders.acme.cert-manager.io", GATEWAYS)
    assert order["status"]["state"] == "valid"


def test_the_gateway_is_programmed_with_every_route(exposed: Exposed) -> None:
    def programmed() -> bool:
        [gateway] = objects("gateways.gateway.networking.k8s.io", GATEWAYS)
        status = gateway.get("status", {})
        listeners = status.get("listeners", [])
        attached = {each["name"]: each["attachedRoutes"] for each in listeners if holds(each, "Programmed")}
        # The route of the challenge is deleted after it.
        return holds(status, "Programmed") and attached == {"http": 1, "https-api-server": 1}

    wait_until("the Gateway is programmed", programmed)


def test_https_shows_the_login_page_with_a_certificate_of_the_issuer(exposed: Exposed) -> None:
    answer = exposed.browser.ask(f"https://{HOST}/auth/login/")
    assert answer.status == 200
    assert 'name="csrf_token"' in answer.text
    # Fails only if no other CA issued it.
    strangers = Browser(exposed.browser.address, ssl.DER_cert_to_PEM_cert(_other_authority()))
    with pytest.raises(ssl.SSLCertVerificationError):
        strangers.ask(f"https://{HOST}/auth/login/")


def _other_authority() -> bytes:
    """A CA that this machine trusts."""
    context = ssl.create_default_context()
    return context.get_ca_certs(binary_form=True)[0]


def test_plain_http_leads_to_https_of_the_same_page(exposed: Exposed) -> None:
    answer = exposed.browser.ask(f"http://{HOST}/dags?page=2")
    assert (answer.status, answer.location) == (301, f"https://{HOST}/dags?page=2")


def test_another_host_is_served_nothing(exposed: Exposed) -> None:
    """Neither by plain HTTP, nor in a connection to the right host."""
    for url in (f"http://{OTHER}/", f"https://{HOST}/"):
        answer = exposed.browser.ask(url, host=OTHER)
        assert answer.status in {404, 421}, url
    with pytest.raises(ssl.SSLCertVerificationError):
        exposed.browser.ask(f"https://{OTHER}/")


def test_a_user_logs_in_and_never_leaves_https_and_the_host(exposed: Exposed) -> None:
    browser = exposed.fresh()
    outputs = exposed.stack.outputs()
    first = browser.ask(f"https://{HOST}/api/v2/auth/login?next=https://{HOST}/")
    assert first.location.startswith((f"https://{HOST}/auth/login/", "/auth/login/"))
    page = browser.ask(f"https://{HOST}/auth/login/")
    [token] = re.findall(r'name="csrf_token" type="hidden" value="([^"]+)"', page.text)
    form = {"csrf_token": token, "username": outputs["admin_user"], "password": outputs["admin_password"]}
    entered = browser.ask(f"https://{HOST}/auth/login/", form=form)
    assert entered.status == 302
    assert entered.location.startswith((f"https://{HOST}/", "/"))
    set_by = [*page.headers.get_all("Set-Cookie", []), *entered.headers.get_all("Set-Cookie", [])]
    assert {line.partition("=")[0] for line in set_by} >= {"session", "_token"}
    assert [line for line in set_by if "secure" not in line.lower()] == []
    assert browser.ask(f"https://{HOST}/api/v2/dags").status == 200
    assert exposed.fresh().ask(f"https://{HOST}/api/v2/dags").status == 401


def test_destroy_leaves_no_certificate_no_route_and_nothing_in_the_cloud(exposed: Exposed) -> None:
    exposed.stack.destroy()
    assert list(exposed.inventory.read().items) == []
    kinds = "gateways.gateway.networking.k8s.io,httproutes.gateway.networking.k8s.io,certificates.cert-manager.io"
    assert objects(kinds) == []
    assert not {NAMESPACE, GATEWAYS} & {space["metadata"]["name"] for space in objects("namespaces")}
