"""Login with the kinds that are one company's: Google and Entra by a real provider that speaks as they do, GitHub's
API by a stand-in of the four answers that are read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from lab.certificates import public_authority
from tests.engine.test_login_oidc import Browser, Deployment, deployed, roles
from tests.unit.recording.stacks_login import ENTRA, GITHUB, GOOGLE, SECRETS

pytestmark = pytest.mark.services


def managed(name: str, **claims: Any) -> dict[str, Any]:
    """A person of Google Workspace."""
    return {"email": f"{name}@example.org", "email_verified": True, "hd": "example.org", **claims}


@pytest.fixture(scope="module")
def google() -> Iterator[Deployment]:
    with deployed(GOOGLE, SECRETS) as found:
        yield found


@pytest.fixture(scope="module")
def entra() -> Iterator[Deployment]:
    with deployed(ENTRA, SECRETS) as found:
        yield found


def test_google_admits_people_of_its_domains_by_domain_and_address(google: Deployment) -> None:
    google.know(ada=managed("ada"), bob=managed("bob"))
    assert google.log_in("ada").statuses()["connections"] == 200
    assert google.log_in("bob").statuses() == {"dags": 200, "pools": 200, "connections": 403}
    assert roles(google, "ada@example.org") == ["Op", "Viewer"]


@pytest.mark.parametrize(
    "claims",
    [
        # An address of the domain that its owner gave to a private account.
        {"hd": None},
        {"hd": "elsewhere.example"},
        {"email_verified": False},
    ],
    ids=["not managed", "of another organization", "not verified"],
)
def test_google_refuses_accounts_that_the_organization_does_not_manage(
    google: Deployment, claims: Mapping[str, Any]
) -> None:
    person = {key: value for key, value in managed("eve", **claims).items() if value is not None}
    google.know(eve=person)
    assert set(google.log_in("eve").statuses().values()) == {401}
    assert roles(google, "eve@example.org") == []


def test_entra_takes_roles_from_app_roles(entra: Deployment) -> None:
    entra.know(
        ada={"preferred_username": "ada@example.org", "roles": ["Airflow.Admin"], "groups": []},
        eve={"preferred_username": "eve@example.org", "groups": ["Airflow.Admin"]},
    )
    assert set(entra.log_in("ada").statuses().values()) == {200}
    assert set(entra.log_in("eve").statuses().values()) == {401}


@dataclass
class Github:
    """A stand-in for GitHub: the person who would be logged in, and what its API says about that person."""

    login: str = "octocat"
    membership: str | None = "active"
    teams: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Organization and team."""

    def answer(self, path: str, query: Mapping[str, list[str]]) -> tuple[int, Any]:
        if path == "/user":
            return 200, {"login": self.login, "name": "Mona", "email": None}
        if path == "/user/memberships/orgs/example":
            return (404, {}) if self.membership is None else (200, {"state": self.membership})
        if path == "/user/teams":
            found = [{"slug": team, "organization": {"login": owner}} for owner, team in self.teams]
            return 200, found if query["page"] == ["1"] else []
        return 404, {}


@pytest.fixture(scope="module")
def github() -> Iterator[tuple[Deployment, Github]]:
    person = Github()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_args: object, **_more: object) -> None:
            """Nothing: the tests look at answers."""

        def reply(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urlsplit(self.path)
            query = parse_qs(url.query)
            if url.path == "/authorize":
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri'][0]}?code=1&state={query['state'][0]}")
                self.end_headers()
                return
            token = {"access_token": "a token", "token_type": "bearer", "scope": "read:org"}
            status, body = (200, token) if url.path == "/token" else person.answer(url.path, query)
            if url.path != "/token" and self.headers["Authorization"] != "Bearer a token":
                status, body = 401, {}
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        do_GET = do_POST = reply  # noqa: N815 - the names are those of the standard library

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    endpoints = {"api_base_url": f"{url}/", "authorize_url": f"{url}/authorize", "access_token_url": f"{url}/token"}
    with deployed(GITHUB, SECRETS, endpoints=endpoints) as found:
        yield found, person
    server.shutdown()
    server.server_close()


def browser(deployment: Deployment) -> Browser:
    """A browser after the login at the stand-in, which asks nothing."""
    session = requests.Session()
    session.trust_env = False
    session.verify = str(public_authority().certificate)
    session.get(f"{deployment.url}/auth/login/github", timeout=120)
    return Browser(url=deployment.url, session=session)


def test_github_admits_members_of_a_team(github: tuple[Deployment, Github]) -> None:
    deployment, person = github
    person.membership, person.teams = "active", [("example", "data"), ("example", "other")]
    assert browser(deployment).statuses()["connections"] == 200
    assert roles(deployment, "github_octocat") == ["Op"]


@pytest.mark.parametrize(
    ("membership", "teams"),
    [("active", [("example", "other")]), ("pending", [("example", "data")]), (None, [("elsewhere", "data")])],
    ids=["in no listed team", "invited", "in a team of that name elsewhere"],
)
def test_github_refuses_others(
    github: tuple[Deployment, Github], membership: str | None, teams: list[tuple[str, str]]
) -> None:
    deployment, person = github
    person.membership, person.teams = membership, teams
    assert set(browser(deployment).statuses().values()) == {401}
