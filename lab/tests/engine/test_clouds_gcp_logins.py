"""What the simulated Google Cloud says of a server's certificates, and which logins it refuses at the proxy."""

from __future__ import annotations

from lab.clouds.gcp import tokens
from lab.clouds.gcp.server_certificates import AUTHORITIES
from lab.engine.provider_values import opened
from lab.testing.gcp import PROJECT, Gcp

PROXY = "gcp:iap/webTypeComputeIamMember:WebTypeComputeIamMember"


def test_a_servers_certificates_are_those_of_today_and_the_next_one(gcp: Gcp) -> None:
    server = gcp.make(tokens.SERVER)
    asked = {"instance": server["selfLink"]}
    today = [each["cert"] for each in opened(server["serverCaCerts"])]
    assert [each["cert"] for each in gcp.plugin.invoke("gcp:sql/getCaCerts:getCaCerts", asked)["certs"]] == today
    with gcp.plugin.inventory.changing() as world:
        world.facts[AUTHORITIES][server["name"]].append("next")
    listed = gcp.plugin.invoke("gcp:sql/getCaCerts:getCaCerts", asked)
    assert [each["cert"] for each in listed["certs"]] == [*today, "next"]


def test_a_persons_login_without_a_project_for_the_quota_does_nothing_at_the_proxy(gcp: Gcp) -> None:
    member = {"role": "roles/iap.httpsResourceAccessor", "member": "user:ada@example.org"}
    assert "requires a quota project" in gcp.plugin.refused(gcp.plugin.create, PROXY, member)
    gcp.plugin.configure(userProjectOverride="true", billingProject=PROJECT)
    gcp.plugin.create(PROXY, member)
