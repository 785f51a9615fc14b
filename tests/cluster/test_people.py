"""Accounts of the stack on a real cluster, beside a directory that does not answer."""

from __future__ import annotations

import urllib.error
from collections.abc import Iterator

import pytest

from lab.airflow_client import AirflowClient, logged_in
from lab.testing.target import kubectl
from tests.cluster.cluster import COMPONENT
from tests.cluster.installation import Installation

pytestmark = [pytest.mark.services, pytest.mark.timeout(1200)]

NAME = "test-people"
AUTH = {
    "kind": "ldap",
    # Nothing listens there: the api-server starts, and accounts with a password get tokens.
    "server": "ldaps://127.0.0.1:1",
    "bind_dn": "cn=searcher,dc=example,dc=org",
    "search_base": "dc=example,dc=org",
    "roles": {"cn=data,dc=example,dc=org": "Op"},
    "users": [
        {"username": "ada", "role": "sales", "email": "ada@example.org"},
        {"username": "bot", "role": "Op", "email": "bot@example.org"},
    ],
    "custom_roles": {"sales": ["can_read on DAGs"]},
}
CACHE_SECONDS = 1


@pytest.fixture(scope="module")
def airflow(airflow_images: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(
        name=NAME,
        executor="kubernetes",
        folder=tmp_path_factory.mktemp(NAME),
        settings={"auth": AUTH, "options": {"fab": {"cache_ttl": str(CACHE_SECONDS)}}},
        secrets={"auth_bind_password": "of a searcher"},
    )
    installation.clear()
    try:
        installation.up()
        yield installation
    finally:
        installation.clear()


def client(airflow: Installation, name: str) -> AirflowClient:
    """A client with the token of an account whose password the stack has generated."""
    return logged_in(airflow.url, name, airflow.outputs["user_passwords"][name])


def status(found: AirflowClient, path: str) -> int:
    try:
        found.request("GET", path)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def test_accounts_have_generated_passwords_and_their_roles(airflow: Installation) -> None:
    ada, bot = client(airflow, "ada"), client(airflow, "bot")
    assert [status(ada, path) for path in ("dags", "connections")] == [200, 403]
    assert [status(bot, path) for path in ("dags", "connections")] == [200, 200]
    assert status(airflow.client, "connections") == 200


def test_the_secret_of_the_login_is_a_file_of_the_api_server_alone(airflow: Installation) -> None:
    def read(component: str) -> str:
        return airflow.execute(component, "sh", "-c", "cat /etc/airflow-login/auth-bind-password || true").strip()

    assert read("api-server") == "of a searcher"
    assert read("scheduler") == ""


def test_an_account_that_the_stack_does_not_name_any_more_is_refused_and_nothing_restarts(
    airflow: Installation,
) -> None:
    bot = client(airflow, "bot")
    before = kubectl("-n", NAME, "get", "pods", "-l", f"{COMPONENT}=scheduler", "-o", "name")
    airflow.change("auth", {**AUTH, "users": AUTH["users"][:1]})
    airflow.up()
    assert status(bot, "dags") in (401, 403)
    assert "bot" not in airflow.outputs["user_passwords"]
    assert status(client(airflow, "ada"), "dags") == 200
    assert kubectl("-n", NAME, "get", "pods", "-l", f"{COMPONENT}=scheduler", "-o", "name") == before
