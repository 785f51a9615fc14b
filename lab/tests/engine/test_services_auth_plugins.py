"""The stand-ins for the clouds' login plugins return valid credentials, and refuse like the real ones."""

from __future__ import annotations

import base64
import datetime
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from kubernetes.client import AuthenticationV1Api
from kubernetes.config import new_client_from_config

from lab.certificates import CertificateAuthority
from lab.services import auth_plugins
from lab.testing.cluster import TestCluster

ASKED = {"KUBERNETES_EXEC_INFO": json.dumps({"apiVersion": "client.authentication.k8s.io/v1"})}
DEFAULT_CREDENTIALS = ["--use_application_default_credentials"]
LOGIN = ["get-token", "--login", "azurecli", "--server-id", auth_plugins.AKS_SERVER]
PIPELINE = {"AZURE_CLIENT_ID": "x", "AZURE_FEDERATED_TOKEN_FILE": "/x"}
SECRET = {"AZURE_CLIENT_SECRET": "x"}


def as_login(way: str) -> list[str]:
    return ["get-token", "--login", way, *LOGIN[3:]]


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("control-plane")
    assert CertificateAuthority(folder / "pki").certificate.exists()
    return folder


@pytest.mark.parametrize(("plugin", "arguments"), [(auth_plugins.GKE, DEFAULT_CREDENTIALS), (auth_plugins.AKS, LOGIN)])
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_plugin_answers_in_the_version_asked_for_with_an_hours_certificate(
    control_plane: Path, plugin: str, arguments: list[str], version: str
) -> None:
    asked = {"KUBERNETES_EXEC_INFO": json.dumps({"apiVersion": f"client.authentication.k8s.io/{version}"})}
    answer = auth_plugins.credential(plugin, arguments, {**asked, auth_plugins.CONTROL_PLANE: str(control_plane)})
    assert (answer["kind"], answer["apiVersion"]) == ("ExecCredential", f"client.authentication.k8s.io/{version}")
    certificate = x509.load_pem_x509_certificate(answer["status"]["clientCertificateData"].encode())
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert datetime.timedelta(minutes=55) < left <= datetime.timedelta(hours=1)
    until = datetime.datetime.strptime(answer["status"]["expirationTimestamp"], "%Y-%m-%dT%H:%M:%S%z")
    assert until == certificate.not_valid_after_utc


@pytest.mark.parametrize(
    ("plugin", "arguments", "environment", "complaint"),
    [
        (
            auth_plugins.AKS,
            [*LOGIN[:3], "--server-id", "00000000-0000-0000-0000-000000000000"],
            ASKED,
            "no application",
        ),
        (auth_plugins.AKS, LOGIN[:3], ASKED, "--server-id"),
        (auth_plugins.AKS, as_login("devicecode"), ASKED, "client-id cannot be empty"),
        (auth_plugins.AKS, [*as_login("devicecode"), "--client-id", "x"], ASKED, "tenant-id cannot be empty"),
        (auth_plugins.AKS, as_login("workloadidentity"), {**ASKED, **PIPELINE}, "tenant-id cannot be empty"),
        (auth_plugins.AKS, [*as_login("workloadidentity"), "--tenant-id", "x"], ASKED, "client-id cannot be empty"),
        (auth_plugins.AKS, [*as_login("spn"), "--tenant-id", "x"], {**ASKED, **PIPELINE}, "client-secret cannot be"),
        (auth_plugins.AKS, ["get-token", "--login", "password", *LOGIN[3:]], ASKED, "invalid choice: 'password'"),
        (auth_plugins.AKS, LOGIN[1:], ASKED, "command"),
        (auth_plugins.GKE, ["--server-id", "x"], ASKED, "unrecognized arguments"),
        (auth_plugins.GKE, [], ASKED, "You do not currently have an active account selected"),
        (
            auth_plugins.GKE,
            DEFAULT_CREDENTIALS,
            {**ASKED, auth_plugins.LOGINS: "gcloud"},
            "could not find default credentials",
        ),
        (auth_plugins.GKE, DEFAULT_CREDENTIALS, {}, "KUBERNETES_EXEC_INFO is not set"),
        (
            auth_plugins.GKE,
            DEFAULT_CREDENTIALS,
            {"KUBERNETES_EXEC_INFO": '{"apiVersion": "client.authentication.k8s.io/v1alpha1"}'},
            "v1alpha1",
        ),
    ],
)
def test_a_plugin_refuses_what_the_real_one_does_not_know(
    control_plane: Path, plugin: str, arguments: list[str], environment: dict[str, str], complaint: str
) -> None:
    with pytest.raises(auth_plugins.RefusedError, match=complaint):
        auth_plugins.credential(plugin, arguments, {**environment, auth_plugins.CONTROL_PLANE: str(control_plane)})


def test_a_persons_gcloud_login_serves_a_kubeconfig_of_gcloud(control_plane: Path) -> None:
    environment = {**ASKED, auth_plugins.LOGINS: "gcloud", auth_plugins.CONTROL_PLANE: str(control_plane)}
    assert auth_plugins.credential(auth_plugins.GKE, [], environment)["kind"] == "ExecCredential"


def test_a_plugin_without_a_cluster_says_so_in_one_line(tmp_path: Path) -> None:
    auth_plugins.install(tmp_path)
    run = subprocess.run(
        [tmp_path / auth_plugins.GKE, *DEFAULT_CREDENTIALS],
        env={**ASKED, auth_plugins.CONTROL_PLANE: str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout, len(run.stderr.splitlines())) == (1, "", 1)
    assert "no cluster to log in to" in run.stderr


@pytest.mark.parametrize(("plugin", "arguments"), [(auth_plugins.GKE, DEFAULT_CREDENTIALS), (auth_plugins.AKS, LOGIN)])
def test_the_api_server_knows_who_logs_in_by_a_kubeconfig_without_a_token(
    cluster: TestCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plugin: str, arguments: list[str]
) -> None:
    auth_plugins.install(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv(auth_plugins.CONTROL_PLANE, str(cluster.plane.folder))
    path = _exec_kubeconfig(tmp_path, cluster, plugin, arguments)
    asked: Any = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    review = AuthenticationV1Api(new_client_from_config(str(path))).create_self_subject_review(asked)
    assert review.status.user_info.username == auth_plugins.USERS[plugin]


def _exec_kubeconfig(folder: Path, cluster: TestCluster, plugin: str, arguments: list[str]) -> Path:
    authority = base64.b64encode(cluster.plane.layout.authority.certificate.read_bytes()).decode()
    exec_entry = {
        "apiVersion": "client.authentication.k8s.io/v1beta1",
        "command": plugin,
        "args": arguments,
        "interactiveMode": "Never",
    }
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [
            {"name": "it", "cluster": {"server": cluster.plane.server, "certificate-authority-data": authority}},
        ],
        "users": [{"name": "it", "user": {"exec": exec_entry}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(content))
    return path
