"""The start pages of the documentation, followed command by command, until nothing is left."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
import yaml

from lab.clouds.inventory import FOLDER_VARIABLE, Inventory
from lab.node.api import ApiError
from lab.services import management
from lab.stack_file import FILLED_IN
from lab.testing.cluster import TestCluster
from lab.testing.engine import Engine
from tests.engine.cloud_stacks import furnished
from tests.engine.newcomer import Followed, commands, follow

UPLOADS: Final = ("az storage share-rm", "az storage file")
"""They name an account that the page lets the reader look up."""


@pytest.fixture(scope="module")
def variables(
    engine: Engine, python: Mapping[str, str], cluster: TestCluster, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    return furnished(cluster, engine.tools, tmp_path_factory.mktemp("start"), python)


def gone(cluster: TestCluster, namespace: str) -> bool:
    try:
        cluster.api.get(f"/api/v1/namespaces/{namespace}")
    except ApiError as error:
        return error.status == 404
    return False


def in_order(followed: Followed, *starts: str) -> bool:
    """Whether calls with these starts were made, in this order."""
    calls = iter(followed.called)
    return all(any(call.startswith(start) for call in calls) for start in starts)


def test_a_laptop(variables: Mapping[str, str], cluster: TestCluster, tmp_path: Path) -> None:
    """The image is not built: the cluster's pods are simulated."""
    own = {**variables, "KUBECONFIG": str(cluster.kubeconfig)}
    followed = follow("laptop", tmp_path, own, edits={}, left_out=("minikube",))
    assert followed.code == 0, followed.shown[-3000:]
    assert in_order(
        followed,
        "kind create cluster",
        "pulumi stack init local",
        "pulumi up -s local",
        "docker build",
        "kind load docker-image",
        "pulumi up",
        "pulumi destroy -s local",
        "pulumi stack rm local",
        "kind delete cluster",
    ), followed.called
    assert gone(cluster, "airflow")
    kept = (
        yaml.safe_load((followed.folder / "Pulumi.local.yaml").read_text())
        if (followed.folder / "Pulumi.local.yaml").exists()
        else {}
    )
    assert "encryptionsalt" not in kept


@pytest.mark.parametrize(
    ("page", "stack", "edits", "steps"),
    [
        (
            "google-cloud",
            "dev",
            {
                "pulumi login": {"Pulumi.dev.yaml|my-project": FILLED_IN["my-project"]},
                "pulumi up$": {"Pulumi.dev.yaml|    kind: gcp\n": "    kind: gcp\n    registry: true\n"},
            },
            ("gcloud auth login", "pulumi up -s dev", "gcloud container clusters get-credentials", "docker push"),
        ),
        (
            "azure",
            "small",
            {
                "pulumi login": {
                    f"Pulumi.small.yaml|{example}": FILLED_IN[example]
                    for example in ("00000000-0000-0000-0000-000000000000", "203.0.113.0/24")
                }
            },
            ("az login", "pulumi up -s small", "az aks get-credentials", "kubelogin convert-kubeconfig"),
        ),
    ],
)
def test_a_cloud(
    page: str,
    stack: str,
    edits: Mapping[str, Mapping[str, str]],
    steps: tuple[str, ...],
    variables: Mapping[str, str],
    cluster: TestCluster,
    tmp_path: Path,
) -> None:
    inventory = Inventory(tmp_path / "cloud")
    with inventory.changing() as world:
        world.facts[management.FACTS] = {"registered": list(management.PROVIDERS)}
    with management.serving(inventory) as login:
        own = {**variables, **login, FOLDER_VARIABLE: str(inventory.folder), "PYTHONPATH": os.curdir}
        followed = follow(page, tmp_path, own, edits=edits)
    assert followed.code == 0, followed.shown[-3000:]
    assert in_order(followed, *steps, f"pulumi destroy -s {stack}", f"pulumi stack rm {stack}"), followed.called
    assert "missing " not in followed.shown
    assert gone(cluster, "airflow")
    assert list(inventory.read().items) == []


def test_every_page_has_commands_from_the_login_to_the_end() -> None:
    for page in ("laptop", "google-cloud", "azure"):
        found = commands(page)
        assert found[-1].startswith(("kind delete", "pulumi stack rm")), page
        assert [each for each in found if each.startswith("pulumi up")], page
