"""The kubeconfig of an AKS cluster is one that kubelogin takes, here the lab's stand-in for it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import get_args

import pytest
import yaml

from components.cloud.azure.kubeconfig import kubelogin_kubeconfig
from components.settings.azure.cloud import Cluster
from lab.certificates import CertificateAuthority
from lab.services import auth_plugins

ASKED = {"KUBERNETES_EXEC_INFO": json.dumps({"apiVersion": "client.authentication.k8s.io/v1"})}
PIPELINE = {"AZURE_CLIENT_ID": "x", "AZURE_FEDERATED_TOKEN_FILE": "/x"}
SECRET = {"AZURE_CLIENT_SECRET": "x"}


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("control-plane")
    assert CertificateAuthority(folder / "pki").certificate.exists()
    return folder


@pytest.mark.parametrize("way", get_args(Cluster.model_fields["login"].annotation))
def test_every_way_to_log_in_takes_the_kubeconfig_that_the_program_makes(control_plane: Path, way: str) -> None:
    """Where a pipeline's login is not told the directory by its environment."""
    given = {"clusters": [{"name": "x", "cluster": {"server": "https://x", "certificate-authority-data": "Q0E="}}]}
    text = kubelogin_kubeconfig("name", base64.b64encode(yaml.safe_dump(given).encode()).decode(), way, "a-tenant")
    plugin = json.loads(text)["users"][0]["user"]["exec"]
    environment = {**ASKED, **PIPELINE, **SECRET, auth_plugins.CONTROL_PLANE: str(control_plane)}
    answer = auth_plugins.credential(plugin["command"], plugin["args"], environment)
    assert answer["kind"] == "ExecCredential"
