"""The api-server's files for each kind of login; tests/engine/test_login_*.py log people in with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from components.airflow.auth.login import FAB_CONFIG, FOLDER, SECRETS_FOLDER
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording, plain
from tests.unit.recording.stacks import config, recorded
from tests.unit.recording.stacks_login import (
    BIND_PASSWORD,
    BIND_SECRETS,
    CLIENT_SECRET,
    ENTRA,
    GITHUB,
    GOOGLE,
    LDAP,
    OIDC,
    SECRETS,
)
from tests.unit.recording.workloads import pods

KINDS = {
    "oidc": (OIDC, SECRETS),
    "google": (GOOGLE, SECRETS),
    "entra": (ENTRA, SECRETS),
    "github": (GITHUB, SECRETS),
    "ldap": (LDAP, BIND_SECRETS),
}


def run(kind: str, **changes: Any) -> Recording:
    auth, secrets = KINDS[kind]
    recording = recorder.run({**config("celery", auth={**auth, **changes}), **secrets})
    assert recording.error is None, recording.error
    return recording


def login(recording: Recording) -> Mapping[str, Any]:
    return json.loads(recording.the("ConfigMap", "airflow-login").inputs["data"]["login.json"])


@pytest.mark.parametrize("stack", ["stand-in cloud, OpenID Connect", "stand-in cloud, directory"])
def test_files_and_secret_of_the_login_are_in_the_api_server_alone(stack: str) -> None:
    recording = recorded(stack)
    for kind in ("ConfigMap", "Secret"):
        found = recording.the(kind, "airflow-login")
        readers = {pod.owner.name for pod in pods(recording) if found.object_name in json.dumps(pod.spec)}
        assert readers == {"airflow-api-server"}, kind
    with_file = {
        config_map.name
        for config_map in recording.of_type("ConfigMap")
        if "AIRFLOW__FAB__CONFIG_FILE" in config_map.inputs["data"]
    }
    assert with_file == {"airflow-api-server-options"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_secret_is_in_no_file_but_that_of_the_secret(kind: str) -> None:
    recording = run(kind)
    text = BIND_PASSWORD if kind == "ldap" else CLIENT_SECRET
    stored = plain(recording.the("Secret", "airflow-login").inputs["stringData"])
    assert list(stored.values()) == [text]
    assert [found.name for found in recording.of_type("ConfigMap") if text in json.dumps(found.inputs["data"])] == []
    # webserver_config.py reads the file of that name.
    [name] = stored
    assert f'secret("{name}")' in recording.the("ConfigMap", "airflow-login").inputs["data"][FAB_CONFIG]


@pytest.mark.parametrize("kind", KINDS)
def test_an_existing_secret_is_mounted_and_none_is_created(kind: str) -> None:
    key = "bind_secret_name" if kind == "ldap" else "client_secret_name"
    recording = recorder.run(config("celery", auth={**KINDS[kind][0], key: "of-somebody-else"}))
    assert recording.error is None
    assert [secret.name for secret in recording.of_type("Secret") if secret.name == "airflow-login"] == []
    [pod] = [pod for pod in pods(recording) if pod.owner.name == "airflow-api-server"]
    [volume] = [volume for volume in pod.spec["volumes"] if volume["name"] == "login-secret"]
    assert volume["secret"]["secretName"] == "of-somebody-else"
    [mount] = [mount for mount in pod.main["volumeMounts"] if mount["name"] == "login-secret"]
    assert mount["mountPath"] == SECRETS_FOLDER == login(recording)["secrets"]


@pytest.mark.parametrize("kind", ["oidc", "google", "entra", "github"])
def test_the_redirect_uri_to_register_is_an_output(kind: str) -> None:
    found = run(kind).outputs["auth_redirect_uri"]
    assert found == f"http://localhost:8080/auth/oauth-authorized/{kind}"
    assert recorded("stand-in cloud, OpenID Connect").outputs["auth_redirect_uri"].startswith("https://")
    assert "auth_redirect_uri" not in recorded("stand-in cloud, directory").outputs
    assert "auth_redirect_uri" not in recorded("celery").outputs


def test_names_of_accounts_with_a_password_are_told_in_lower_case() -> None:
    assert login(run("oidc"))["local_users"] == ["admin", "dashboard"]


def test_a_ca_is_a_file_of_the_api_server() -> None:
    text = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    recording = run("oidc", ca_certificate=text)
    assert login(recording)["ca_file"] == f"{FOLDER}/ca.pem"
    assert recording.the("ConfigMap", "airflow-login").inputs["data"]["ca.pem"] == text
    assert login(run("oidc"))["ca_file"] == ""


@pytest.mark.parametrize(
    ("server", "unencrypted", "start_tls"),
    [
        ("ldap://ldap.example.org", False, True),
        ("ldap://ldap.example.org", True, False),
        ("ldaps://ldap.example.org", False, False),
    ],
)
def test_a_directory_is_encrypted_unless_the_stack_says_that_it_is_not(
    server: str, unencrypted: bool, start_tls: bool
) -> None:
    assert login(run("ldap", server=server, unencrypted=unencrypted))["start_tls"] is start_tls


def test_a_changed_group_restarts_the_api_server_alone() -> None:
    before, after = run("oidc"), run("oidc", roles={"data-admins": "Op"})
    found = [
        {
            pod.owner.name: (pod.metadata["annotations"]["airflow/checksum"], json.dumps(pod.spec, sort_keys=True))
            for pod in pods(recording)
            if "airflow/checksum" in pod.metadata.get("annotations", {})
        }
        for recording in (before, after)
    ]
    assert {name for name in found[0] if found[0][name] != found[1][name]} == {"airflow-api-server"}
