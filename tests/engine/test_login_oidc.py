"""Login with a certified provider of OpenID Connect, behind HTTPS, as the program configures it for a Gateway."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
import requests

from components.airflow.auth.login import FOLDER, SECRETS_FOLDER
from lab.certificates import Pair, public_authority
from lab.services.identity_provider import Client, IdentityProvider, identity_provider
from tests.engine.airflow_server import RUN, Airflow, free_port, installation, libraries
from tests.engine.https_proxy import https_proxy
from tests.unit.recording import recorder, stand_in_cloud
from tests.unit.recording.recorder import plain
from tests.unit.recording.stacks import GATEWAY, GCP, config
from tests.unit.recording.stacks_login import CLIENT_SECRET, OIDC, SECRETS

pytestmark = pytest.mark.services

AUTHLIB = ("authlib==1.9.10", "joserfc==1.8.0")
"""Part of the official image by its extra `google-auth`; the lab's image is without them."""
PEOPLE: dict[str, dict[str, Any]] = {
    "ada": {
        "preferred_username": "ada",
        "email": "ada@example.org",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "groups": ["data-admins", "elsewhere"],
    },
    "bob": {"preferred_username": "bob", "email": "bob@example.org", "groups": ["analysts"]},
    "eve": {"preferred_username": "eve", "email": "eve@example.org", "groups": ["elsewhere"]},
    "fay": {"preferred_username": "Admin", "email": "fay@example.org", "groups": ["data-admins"]},
}


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """An api-server behind HTTPS, and its identity provider."""

    url: str
    provider: IdentityProvider
    airflow: Airflow
    name: str = "oidc"

    def know(self, **people: Mapping[str, Any]) -> None:
        """The people of the provider: those of this module, with these changes."""
        self.provider.know({**PEOPLE, **people})

    def log_in(self, person: str) -> Browser:
        """A browser after the login of a person at the provider."""
        browser = Browser(url=self.url, session=requests.Session())
        # Variables of this machine would replace the authority.
        browser.session.trust_env = False
        browser.session.verify = str(public_authority().certificate)
        answer = browser.session.get(f"{self.url}/auth/login/{self.name}", timeout=120)
        assert answer.url.startswith(self.provider.issuer), (answer.url, answer.text[-2000:])
        action = unescape(re.search(r'<form[^>]*action="([^"]+)"', answer.text)[1])  # type: ignore[index]
        form = {"prompt": "login", "login": person, "password": "any"}
        answer = browser.session.post(urljoin(answer.url, action), form, timeout=120)
        assert answer.url.startswith(self.url), (answer.url, answer.text[-2000:])
        return browser


@dataclass(frozen=True, kw_only=True)
class Browser:
    """One person's cookies."""

    url: str
    session: requests.Session

    def statuses(self) -> dict[str, int]:
        """The statuses of requests as the UI makes them."""
        paths = ("dags", "pools", "connections")
        return {path: self.session.get(f"{self.url}/api/v2/{path}", timeout=60).status_code for path in paths}


def configuration(auth: Mapping[str, Any], secrets: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Variables and files of the api-server, as the program makes them behind a Gateway of Google Cloud."""
    stack = {**config("celery", cloud=GCP, exposure={**GATEWAY, "tls": {"kind": "managed"}}, auth=auth), **secrets}
    with stand_in_cloud.in_place():
        recording = recorder.run(stack)
    assert recording.error is None, recording.error
    options = recording.the("ConfigMap", "airflow-api-server-options").inputs["data"]
    variables = {name: value for name, value in options.items() if name.startswith("AIRFLOW__FAB__")}
    files = {f"login/{name}": text for name, text in recording.the("ConfigMap", "airflow-login").inputs["data"].items()}
    secret = plain(recording.the("Secret", "airflow-login").inputs["stringData"])
    return variables, {**files, **{f"secret/{name}": text for name, text in secret.items()}}


@contextmanager
def deployed(auth: Mapping[str, Any], secrets: Mapping[str, Any], **changed: Any) -> Iterator[Deployment]:
    """An installation that logs people in as the section says; `changed` are values of login.json."""
    variables, files = configuration(auth, secrets)
    provider_port, port = free_port(), free_port()
    url = f"https://localhost:{port}"
    authority = public_authority()
    with ExitStack() as stack:
        airflow = stack.enter_context(installation({libraries(*AUTHLIB): "/srv"}))
        folder = airflow.folder / "provider"
        folder.mkdir()
        redirect = f"{url}/auth/oauth-authorized/{auth['kind']}"
        client = Client(client_id=auth["client_id"], secret=CLIENT_SECRET, redirect_uri=redirect)
        provider = stack.enter_context(identity_provider(folder, provider_port, authority, [client]))
        provider.know(PEOPLE)
        endpoint = f"{provider.issuer}/.well-known/openid-configuration"
        login = json.loads(files["login/login.json"])
        login |= {"secrets": f"{RUN}/secret", "endpoints": {"server_metadata_url": endpoint}, **changed}
        write(airflow.folder, {**files, "login/login.json": json.dumps(login)})
        moved = {name: value.replace(FOLDER, f"{RUN}/login") for name, value in variables.items()}
        assert login["secrets"] != SECRETS_FOLDER
        server = airflow.api_server(
            AIRFLOW__API__BASE_URL=url, FORWARDED_ALLOW_IPS="127.0.0.1", AIRFLOW__FAB__CACHE_TTL="1", **moved
        )
        pair: Pair = authority.issue("https-proxy", "localhost", hosts=["localhost"])
        stack.enter_context(https_proxy(port, pair, stack.enter_context(server)))
        yield Deployment(url=url, provider=provider, airflow=airflow, name=auth["kind"])


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Files that Airflow's user may read, as in a pod."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o440)
        os.chown(path, 0, 0)


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with deployed(OIDC, SECRETS) as found:
        # The Job of the stack has made its roles and accounts.
        done = found.airflow.script(
            "apply_people.py",
            PEOPLE=json.dumps({"users": [], "roles": OIDC["custom_roles"]}),
            PASSWORDS="{}",
        )
        assert done.returncode == 0, done.stderr
        yield found


def test_a_person_of_a_group_logs_in_with_its_role(deployment: Deployment) -> None:
    assert deployment.log_in("ada").statuses() == {"dags": 200, "pools": 200, "connections": 200}
    # A role of the stack's own.
    assert deployment.log_in("bob").statuses() == {"dags": 200, "pools": 200, "connections": 403}
    rows = deployment.airflow.query("SELECT username, first_name, last_name, email FROM ab_user WHERE username = 'ada'")
    assert rows == [("ada", "Ada", "Lovelace", "ada@example.org")]


def test_a_person_of_no_group_is_refused_and_has_no_account(deployment: Deployment) -> None:
    assert set(deployment.log_in("eve").statuses().values()) == {401}
    assert deployment.airflow.query("SELECT username FROM ab_user WHERE username = 'eve'") == []


def test_a_name_of_an_account_with_a_password_is_refused_whoever_says_it(deployment: Deployment) -> None:
    """The login name of some providers is what its owner likes."""
    assert set(deployment.log_in("fay").statuses().values()) == {401}
    assert browserless(deployment, "admin", "first password") == 201


def test_the_next_login_has_the_roles_of_the_groups_of_that_day(deployment: Deployment) -> None:
    before = deployment.log_in("bob")
    deployment.know(bob={**PEOPLE["bob"], "groups": ["readers"]})
    assert deployment.log_in("bob").statuses()["pools"] == 200
    assert roles(deployment, "bob") == ["Viewer"]
    # In no group any more: refused, and the session that is still open ends as well.
    deployment.know(bob={**PEOPLE["bob"], "groups": []})
    assert set(deployment.log_in("bob").statuses().values()) == {401}
    assert roles(deployment, "bob") == []
    time.sleep(2)
    assert set(before.statuses().values()) <= {401, 403}
    deployment.know()


def test_logging_out_ends_the_session(deployment: Deployment) -> None:
    browser = deployment.log_in("ada")
    assert browser.statuses()["dags"] == 200
    browser.session.get(f"{deployment.url}/auth/logout", timeout=60)
    assert browser.statuses()["dags"] == 401


def test_cookies_go_over_https_only_and_not_to_scripts_or_other_sites(deployment: Deployment) -> None:
    cookies = {cookie.name: cookie for cookie in deployment.log_in("ada").session.cookies if cookie.path == "/"}
    ours = [cookie for cookie in cookies.values() if cookie.name in ("session", "_token")]
    assert {cookie.name for cookie in ours} == {"session", "_token"}
    assert [cookie.name for cookie in ours if not cookie.secure] == []
    assert cookies["session"].has_nonstandard_attr("HttpOnly")
    assert cookies["session"].get_nonstandard_attr("SameSite") == "Lax"


def test_strangers_cannot_register_themselves(deployment: Deployment) -> None:
    answer = requests.get(
        f"{deployment.url}/auth/register/form", verify=str(public_authority().certificate), timeout=60
    )
    assert answer.status_code == 404


def browserless(deployment: Deployment, username: str, password: str) -> int:
    """The status of a request for a token with a password."""
    body = {"username": username, "password": password}
    verify = str(public_authority().certificate)
    return requests.post(f"{deployment.url}/auth/token", json=body, verify=verify, timeout=60).status_code


def roles(deployment: Deployment, username: str) -> list[object]:
    query = (
        "SELECT r.name FROM ab_role r JOIN ab_user_role ur ON ur.role_id = r.id JOIN ab_user u ON u.id = ur.user_id "
        "WHERE u.username = %s ORDER BY 1"
    )
    return [name for (name,) in deployment.airflow.query(query, username)]
