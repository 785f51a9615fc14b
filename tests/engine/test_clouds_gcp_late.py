"""Changes that become effective late in the simulated Google Cloud, with the messages that the program recognises."""

from __future__ import annotations

from typing import Any

import pytest

from components.cloud.gcp import lateness
from components.cloud.retries import Late
from lab.clouds.gcp import tokens
from lab.testing.gcp import PROJECT, Gcp, inputs

BINDING = "gcp:serviceaccount/iAMMember:IAMMember"
ALL = (lateness.API, lateness.ACCOUNT, lateness.POOL, lateness.AGENT, lateness.LEFTOVERS)


def meant(message: str) -> list[Late]:
    return [late for late in ALL if late.refused(message)]


def _service(gcp: Gcp, api: str) -> None:
    gcp.plugin.create(tokens.SERVICE, {"service": f"{api}.googleapis.com", "disableOnDestroy": False}, api)


@pytest.mark.parametrize(
    ("api", "token"),
    [("compute", tokens.NETWORK), ("iam", tokens.ACCOUNT), ("artifactregistry", tokens.REPOSITORY)],
)
def test_the_first_call_to_an_api_that_was_just_enabled_is_refused(gcp: Gcp, api: str, token: str) -> None:
    gcp.enable()
    _service(gcp, api)
    assert meant(gcp.refused(token)) == [lateness.API]
    gcp.make(token)


def test_an_api_that_was_enabled_long_ago_refuses_nothing(gcp: Gcp) -> None:
    _service(gcp, "compute")
    gcp.make(tokens.NETWORK)


def test_the_first_connection_misses_the_agent_that_comes_with_the_api(gcp: Gcp) -> None:
    gcp.enable("compute")
    _service(gcp, "servicenetworking")
    assert [meant(gcp.refused(tokens.CONNECTION)) for _ in range(2)] == [[lateness.API], [lateness.AGENT]]
    gcp.make(tokens.CONNECTION)


def test_the_first_binding_misses_a_new_pool_and_a_new_account(gcp: Gcp) -> None:
    account = gcp.make(tokens.ACCOUNT)
    gcp.make(tokens.CLUSTER)
    role: dict[str, Any] = {"serviceAccountId": account["name"], "role": "roles/iam.workloadIdentityUser"}
    member = {**role, "member": f"serviceAccount:{PROJECT}.svc.id.goog[airflow/airflow-worker]"}
    assert meant(gcp.plugin.refused(gcp.plugin.create, BINDING, member)) == [lateness.POOL]
    gcp.plugin.create(BINDING, member)
    other = f"serviceAccount:other@{PROJECT}.iam.gserviceaccount.com"
    refusal = gcp.plugin.refused(gcp.plugin.create, BINDING, {**role, "member": other})
    assert meant(refusal) == [lateness.ACCOUNT]


def test_what_is_left_in_a_network_is_known_by_its_words(gcp: Gcp) -> None:
    gcp.make(tokens.SUBNETWORK)
    assert meant(gcp.plugin.refused(gcp.delete, tokens.NETWORK)) == [lateness.LEFTOVERS]


def test_a_missing_quota_is_waited_for_by_no_one(gcp: Gcp) -> None:
    gcp.make(tokens.NETWORK)
    for number in range(14):
        gcp.plugin.create(tokens.NETWORK, inputs(tokens.NETWORK, name=f"net-{number}"), f"net-{number}")
    assert meant(gcp.plugin.refused(gcp.plugin.create, tokens.NETWORK, inputs(tokens.NETWORK, name="one-more"))) == []
