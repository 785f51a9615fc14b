"""Pods with the clouds' libraries access buckets and containers by identity, but only with a role on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.clouds.inventory import Inventory
from lab.images import names
from lab.node.node import Node
from lab.services import entra, google
from lab.services.standins import StandIns
from lab.testing.space import Space, eventually
from lab.testing.worlds import Worlds

pytestmark = pytest.mark.lab_node("simulated clouds stand beside the lab's node")

PYTHON = "/home/airflow/.local/bin/python"
SPACE = "blobs-test"
PROJECT = "p"
TENANT = "11111111-1111-1111-1111-111111111111"
ISSUER = f"https://westeurope.oic.prod-aks.azure.com/{TENANT}/cluster/"
GROUP = "/subscriptions/s/resourceGroups/g/providers"
CONTAINER = f"{GROUP}/Microsoft.Storage/storageAccounts/airflowlogs/blobServices/default/containers/logs"
READER, WRITER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"

GOOGLE = """
from google.cloud import storage
def read(): return client.bucket("airflow-logs").blob("logs/a b/1.log").download_as_bytes().decode()
def write(text): client.bucket("airflow-logs").blob("logs/a b/1.log").upload_from_string(text)
def names(): return [blob.name for blob in client.list_blobs("airflow-logs", prefix="logs/")]
def other(): client.bucket("not-ours").blob("x").upload_from_string("x")
client = storage.Client()
"""
AZURE = """
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient
def read(): return container.download_blob("airflow/a b/1.log").readall().decode()
def write(text): container.upload_blob("airflow/a b/1.log", text, overwrite=True)
def names(): return [blob.name for blob in container.list_blobs(name_starts_with="airflow/")]
def other(): client.get_container_client("other").upload_blob("x", "x")
credential = DefaultAzureCredential(retry_total=0)
client = BlobServiceClient("https://airflowlogs.blob.core.windows.net/", credential, retry_total=0)
container = client.get_container_client("logs")
"""
STEPS = """
import json
def attempt(step):
    try: return step()
    except Exception as error: return f"{type(error).__name__}: {error}"
print("found", json.dumps({name: attempt(step) for name, step in steps.items()}))
"""
WRITES = """
steps = {"none": read, "first": lambda: write("one"), "second": lambda: write("two")}
steps |= {"read": read, "names": names, "other": other}
"""
READS = 'steps = {"read": read, "names": names, "write": lambda: write("three")}\n'


@pytest.fixture(scope="module")
def worlds(node: Node, airflow_images: None, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    made = Worlds(StandIns(node, Inventory(tmp_path_factory.mktemp("clouds"))))
    made.services.up()
    for cloud in ("gcp", "azure"):
        made.services.furnish(cloud)
    made.hold(google.CLUSTER, "cluster", workloadIdentityConfig={"workloadPool": f"{PROJECT}.svc.id.goog"})
    for bucket in ("airflow-logs", "not-ours"):
        made.hold(google.BUCKET, bucket, name=bucket)
    for part, role in (("writer", "roles/storage.objectUser"), ("reader", "roles/storage.objectViewer")):
        email = f"{part}@{PROJECT}.iam.gserviceaccount.com"
        made.hold(google.ACCOUNT, f"projects/{PROJECT}/serviceAccounts/{email}", outputs={"email": email})
        made.hold(
            google.ACCOUNT_MEMBER,
            f"binding-{part}",
            serviceAccountId=f"projects/{PROJECT}/serviceAccounts/{email}",
            role=google.USER_ROLE,
            member=f"serviceAccount:{PROJECT}.svc.id.goog[{SPACE}/google-{part}]",
        )
        member = f"serviceAccount:{email}"
        made.hold(google.BUCKET_MEMBER, f"access-{part}", bucket="airflow-logs", role=role, member=member)
    workload_identity = {
        "oidcIssuerProfile": {"enabled": True},
        "securityProfile": {"workloadIdentity": {"enabled": True}},
    }
    issuer = {"oidcIssuerProfile": {"issuerURL": ISSUER}}
    made.hold(entra.CLUSTER, "cluster", outputs=issuer, **workload_identity)
    made.hold(entra.ACCOUNT, CONTAINER.split("/blobServices")[0], accountName="airflowlogs")
    made.hold(entra.CONTAINER, CONTAINER, accountName="airflowlogs", containerName="logs")
    other = CONTAINER.replace("containers/logs", "containers/other")
    made.hold(entra.CONTAINER, other, accountName="airflowlogs", containerName="other")
    for part, role in (("writer", WRITER), ("reader", READER)):
        identity = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/{part}"
        known = {"clientId": f"client-{part}", "principalId": f"principal-{part}", "tenantId": TENANT}
        made.hold(entra.IDENTITY, identity, outputs=known)
        made.hold(
            entra.FEDERATED,
            f"{identity}/federatedIdentityCredentials/it",
            issuer=ISSUER,
            subject=f"system:serviceaccount:{SPACE}:azure-{part}",
            audiences=[entra.AUDIENCE],
        )
        definition = f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{role}"
        made.hold(entra.ASSIGNMENT, part, roleDefinitionId=definition, scope=CONTAINER, principalId=f"principal-{part}")
    return made


@pytest.fixture(scope="module")
def space(node: Node, worlds: Worlds) -> Iterator[Space]:
    space = Space(node.api, SPACE)
    space.create()
    for part in ("writer", "reader"):
        account(space, f"google-{part}", {google.ANNOTATION: f"{part}@{PROJECT}.iam.gserviceaccount.com"})
        account(space, f"azure-{part}", {entra.CLIENT_ID: f"client-{part}"})
    account(space, "google-thief", {google.ANNOTATION: f"writer@{PROJECT}.iam.gserviceaccount.com"})
    account(space, "azure-thief", {entra.CLIENT_ID: "client-writer"})
    yield space
    space.remove()


def account(space: Space, name: str, annotations: dict[str, str]) -> None:
    metadata = {"name": name, "annotations": annotations}
    space.api.create(f"{space.path}/serviceaccounts", {"metadata": metadata})


def run(space: Space, name: str, service_account: str, script: str, *, labels: dict[str, str] | None = None) -> None:
    container = {
        "name": "client",
        "image": names.AIRFLOW,
        "imagePullPolicy": "IfNotPresent",
        "command": [PYTHON, "-c", script + STEPS],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    spec = {
        "serviceAccountName": service_account,
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    space.api.create(f"{space.path}/pods", {"metadata": {"name": name, "labels": labels or {}}, "spec": spec})


def said(space: Space, name: str) -> dict[str, Any]:
    """The results of a pod."""
    ended = ("Succeeded", "Failed")
    eventually(f"pod {name} has ended", lambda: space.pod(name)["status"]["phase"] in ended)
    text = str(space.api.get(f"{space.path}/pods/{name}/log").get("text", ""))
    return dict(json.loads(text.strip().splitlines()[-1].removeprefix("found ")))


@pytest.mark.parametrize(
    ("cloud", "client", "path", "missing", "refused"),
    [
        ("google", GOOGLE, "logs/a b/1.log", "No such object: airflow-logs/logs/a b/1.log", "Forbidden: 403"),
        ("azure", AZURE, "airflow/a b/1.log", "BlobNotFound", "HttpResponseError"),
    ],
)
def test_a_writer_writes_a_reader_reads_and_nobody_else_does_either(
    space: Space, cloud: str, client: str, path: str, missing: str, refused: str
) -> None:
    labels = {entra.LABEL: "true"} if cloud == "azure" else {}
    run(space, f"{cloud}-writer", f"{cloud}-writer", client + WRITES, labels=labels)
    wrote = said(space, f"{cloud}-writer")
    assert {key: wrote[key] for key in ("second", "read", "names")} == {"second": None, "read": "two", "names": [path]}
    # Airflow writes only if this message says that there is no object.
    assert missing in wrote["none"]
    assert refused in wrote["other"]
    run(space, f"{cloud}-reader", f"{cloud}-reader", client + READS, labels=labels)
    run(space, f"{cloud}-thief", f"{cloud}-thief", client + READS, labels=labels)
    found = said(space, f"{cloud}-reader")
    assert (found["read"], found["names"]) == ("two", [path])
    assert refused in found["write"]
    assert all("Error" in str(result) for result in said(space, f"{cloud}-thief").values())


def test_a_pod_on_aks_without_the_label_has_no_identity(space: Space) -> None:
    run(space, "unlabelled", "azure-writer", AZURE + READS)
    assert "ClientAuthenticationError: DefaultAzureCredential failed" in said(space, "unlabelled")["read"]


def test_a_role_that_is_taken_away_no_longer_opens_anything(space: Space, worlds: Worlds) -> None:
    member = f"serviceAccount:reader@{PROJECT}.iam.gserviceaccount.com"
    worlds.drop(google.BUCKET_MEMBER, "access-reader")
    run(space, "too-late", "google-reader", GOOGLE + READS)
    assert "Forbidden" in said(space, "too-late")["names"]
    role = "roles/storage.objectViewer"
    worlds.hold(google.BUCKET_MEMBER, "access-reader", bucket="airflow-logs", role=role, member=member)
