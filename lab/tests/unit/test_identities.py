"""Tokens and access depend exactly on the bindings in the simulated clouds."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jwt
import pytest

from lab.clouds.inventory import Item, World
from lab.services import entra, google
from lab.services.tokens import Tokens

EMAIL = "airflow-task@p.iam.gserviceaccount.com"
MEMBER = f"serviceAccount:{EMAIL}"
ISSUER = "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/"
SUBJECT = "system:serviceaccount:airflow:airflow-task"
GROUP = "/subscriptions/s/resourceGroups/g/providers"
IDENTITY = f"{GROUP}/Microsoft.ManagedIdentity/userAssignedIdentities/task"
ACCOUNT = f"{GROUP}/Microsoft.Storage/storageAccounts/logs"
CONTAINER = f"{ACCOUNT}/blobServices/default/containers/logs"
READER, WRITER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


def item(kind: str, item_id: str, outputs: dict[str, Any] | None = None, **inputs: Any) -> Item:
    return Item(kind, item_id, "", inputs, outputs or {}, names=[str((outputs or {}).get("name", item_id))])


def google_world() -> World:
    world = World()
    world.add(item(google.CLUSTER, "cluster", workloadIdentityConfig={"workloadPool": "p.svc.id.goog"}))
    metadata = {"workloadMetadataConfig": {"mode": "GKE_METADATA"}}
    world.add(item(google.NODE_POOL, "pool", nodeConfig=metadata))
    account = f"projects/p/serviceAccounts/{EMAIL}"
    world.add(item(google.ACCOUNT, account, {"email": EMAIL, "name": account}))
    binding = {"role": google.USER_ROLE, "member": "serviceAccount:p.svc.id.goog[airflow/airflow-task]"}
    world.add(item(google.ACCOUNT_MEMBER, "binding", serviceAccountId=account, **binding))
    world.add(item(google.BUCKET, "bucket", {"name": "bucket"}))
    access = {"bucket": "b/bucket", "role": "roles/storage.objectUser", "member": MEMBER}
    world.add(item(google.BUCKET_MEMBER, "access", **access))
    return world


def workload(**changes: Any) -> google.Workload:
    given = {
        "namespace": "airflow",
        "service_account": "airflow-task",
        "annotations": {google.ANNOTATION: EMAIL},
    }
    return google.Workload(**{**given, **changes})


def changed(kind: str, item_id: str, **inputs: Any) -> Callable[[World], object]:
    """A world with one changed item."""
    return lambda world: world.items[f"{kind}|{item_id}"].inputs.update(inputs)


def gone(kind: str, item_id: str) -> Callable[[World], object]:
    return lambda world: world.items.pop(f"{kind}|{item_id}")


@dataclass(frozen=True)
class Wrong:
    """One wrong item, and the message of the refusal."""

    why: str
    world: Callable[[World], object] = lambda _world: None
    request: dict[str, Any] = field(default_factory=dict)


def test_a_pod_on_gke_is_the_account_that_lets_its_service_account_use_it() -> None:
    who = google.principal(google_world(), workload())
    assert (who.email, who.member, who.project) == (EMAIL, MEMBER, "p")


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong("does not exist", request={"annotations": {google.ANNOTATION: "other@p.iam.gserviceaccount.com"}}),
        Wrong("has no roles/iam.workloadIdentityUser", request={"service_account": "airflow-worker"}),
        Wrong("has no roles/iam.workloadIdentityUser", request={"namespace": "other"}),
        Wrong("has no roles", changed(google.ACCOUNT_MEMBER, "binding", role="roles/iam.serviceAccountUser")),
        Wrong("has no roles", changed(google.ACCOUNT_MEMBER, "binding", serviceAccountId="projects/p/other")),
        Wrong(
            "has no roles",
            changed(google.ACCOUNT_MEMBER, "binding", member="serviceAccount:q.svc.id.goog[airflow/airflow-task]"),
        ),
        Wrong("has no roles", gone(google.ACCOUNT_MEMBER, "binding")),
        Wrong(
            "has no roles",
            lambda world: setattr(world.items[f"{google.ACCOUNT_MEMBER}|binding"], "ready", time.time() + 60),
        ),
        Wrong("no workload pool", changed(google.CLUSTER, "cluster", workloadIdentityConfig={})),
        Wrong("no workload pool", gone(google.CLUSTER, "cluster")),
        Wrong("does not serve GKE's metadata", changed(google.NODE_POOL, "pool", nodeConfig={})),
    ],
)
def test_a_pod_on_gke_gets_no_token_when_one_part_is_wrong(wrong: Wrong) -> None:
    world = google_world()
    wrong.world(world)
    with pytest.raises(google.DeniedError, match=wrong.why):
        google.principal(world, workload(**wrong.request))


def test_a_pod_on_gke_without_annotation_is_its_service_account_and_nobody_else() -> None:
    world = google_world()
    who = google.principal(world, workload(annotations={}))
    with pytest.raises(google.DeniedError):
        google.require(world, who.member, "bucket", "storage.objects.get")
    pool = "principal://iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/p.svc.id.goog"
    direct = f"{pool}/subject/ns/airflow/sa/airflow-task"
    world.add(item(google.BUCKET_MEMBER, "direct", bucket="bucket", role="roles/storage.objectViewer", member=direct))
    google.require(world, who.member, "bucket", "storage.objects.get")
    other = google.principal(world, workload(annotations={}, service_account="task"))
    with pytest.raises(google.DeniedError):
        google.require(world, other.member, "bucket", "storage.objects.get")


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("roles/storage.objectUser", {"get", "list", "create", "delete", "update"}),
        ("roles/storage.objectViewer", {"get", "list"}),
        ("roles/storage.objectCreator", {"create"}),
        ("roles/storage.legacyObjectReader", {"get"}),
        ("roles/logging.logWriter", set()),
        ("roles/editor", {"list"}),
    ],
)
def test_a_role_on_a_bucket_allows_what_it_does_at_google(role: str, allowed: set[str]) -> None:
    world = google_world()
    changed(google.BUCKET_MEMBER, "access", role=role)(world)
    found = set()
    for verb in ("get", "list", "create", "delete", "update"):
        with suppress(google.DeniedError):
            google.require(world, MEMBER, "bucket", f"storage.objects.{verb}")
            found.add(verb)
    assert found == allowed


@pytest.mark.parametrize("change", [{"bucket": "other"}, {"member": "serviceAccount:other@p.iam.gserviceaccount.com"}])
def test_a_role_on_another_bucket_or_of_another_account_opens_nothing(change: dict[str, str]) -> None:
    world = google_world()
    changed(google.BUCKET_MEMBER, "access", **change)(world)
    with pytest.raises(google.DeniedError, match=r"does not have storage\.objects\.get access"):
        google.require(world, MEMBER, "bucket", "storage.objects.get")


@pytest.mark.parametrize(
    ("method", "path", "exists", "needed"),
    [
        ("GET", "/storage/v1/b/bucket/o", False, ["storage.objects.list"]),
        ("GET", "/storage/v1/b/bucket/o/a%2Fb", False, ["storage.objects.get"]),
        ("GET", "/download/storage/v1/b/bucket/o/a%2Fb", False, ["storage.objects.get"]),
        ("POST", "/upload/storage/v1/b/bucket/o", False, ["storage.objects.create"]),
        ("POST", "/upload/storage/v1/b/bucket/o", True, ["storage.objects.create", "storage.objects.delete"]),
        ("DELETE", "/storage/v1/b/bucket/o/a", False, ["storage.objects.delete"]),
        ("GET", "/storage/v1/b/bucket", False, ["storage.buckets.get"]),
    ],
)
def test_a_request_takes_the_permissions_of_what_it_does(
    method: str, path: str, exists: bool, needed: list[str]
) -> None:
    assert google.permissions(method, path, exists=exists) == ("bucket", needed)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/storage/v1/b"), ("DELETE", "/storage/v1/b/bucket"), ("PUT", "/storage/v1/b/b/iam")]
)
def test_pods_have_no_business_with_buckets_themselves(method: str, path: str) -> None:
    with pytest.raises(google.DeniedError, match="not part of the lab"):
        google.permissions(method, path, exists=False)


def azure_world() -> World:
    world = World()
    issuer = {"oidcIssuerProfile": {"issuerURL": ISSUER}}
    cluster = {"oidcIssuerProfile": {"enabled": True}, "securityProfile": {"workloadIdentity": {"enabled": True}}}
    world.add(item(entra.CLUSTER, "cluster", issuer, **cluster))
    identity = {"clientId": "client", "principalId": "principal", "tenantId": "tenant"}
    world.add(item(entra.IDENTITY, IDENTITY, identity))
    trusted = {"issuer": ISSUER, "subject": SUBJECT, "audiences": [entra.AUDIENCE]}
    world.add(item(entra.FEDERATED, f"{IDENTITY}/federatedIdentityCredentials/task", **trusted))
    world.add(item(entra.CONTAINER, CONTAINER, accountName="logs", containerName="logs"))
    assign(world, WRITER, CONTAINER)
    return world


def assign(world: World, role: str, scope: str, principal: str = "principal") -> None:
    definition = f"/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/{role}"
    assignment = {"roleDefinitionId": definition, "scope": scope, "principalId": principal}
    world.add(item(entra.ASSIGNMENT, "assignment", **assignment))


def trade(world: World, **changes: Any) -> entra.Principal:
    given = {"client_id": "client", "tenant": "tenant", "subject": SUBJECT, "audiences": [entra.AUDIENCE]}
    return entra.principal(world, **{**given, **changes})


def test_a_token_of_the_cluster_is_traded_for_the_identity_that_trusts_exactly_it() -> None:
    assert trade(azure_world()) == entra.Principal(id="principal", client_id="client", tenant="tenant")


FEDERATED = f"{IDENTITY}/federatedIdentityCredentials/task"


@pytest.mark.parametrize(
    "wrong",
    [
        Wrong("AADSTS700016.*'other'", request={"client_id": "other"}),
        Wrong("AADSTS700016", request={"client_id": ""}),
        Wrong("AADSTS700016", request={"tenant": "elsewhere"}),
        Wrong("AADSTS700213.*airflow-worker", request={"subject": "system:serviceaccount:airflow:airflow-worker"}),
        Wrong("AADSTS700213", changed(entra.FEDERATED, FEDERATED, subject=f"{SUBJECT}s")),
        Wrong("AADSTS700211", changed(entra.FEDERATED, FEDERATED, issuer=ISSUER.rstrip("/"))),
        Wrong("AADSTS700211", changed(entra.CLUSTER, "cluster", oidcIssuerProfile={"enabled": False})),
        Wrong("AADSTS700212", changed(entra.FEDERATED, FEDERATED, audiences=["https://storage.azure.com"])),
        Wrong("AADSTS700212", request={"audiences": ["https://kubernetes.default.svc.cluster.local"]}),
        Wrong("AADSTS700211", gone(entra.FEDERATED, FEDERATED)),
    ],
)
def test_a_token_is_not_traded_when_one_part_is_wrong(wrong: Wrong) -> None:
    world = azure_world()
    wrong.world(world)
    with pytest.raises(entra.DeniedError, match=wrong.why):
        trade(world, **wrong.request)


def test_a_credential_of_another_identity_does_not_help() -> None:
    world = azure_world()
    other = {"clientId": "second", "principalId": "other", "tenantId": "tenant"}
    world.add(item(entra.IDENTITY, f"{IDENTITY}2", other))
    with pytest.raises(entra.DeniedError, match="AADSTS700211"):
        trade(world, client_id="second")


@pytest.mark.parametrize(
    ("role", "scope", "allowed"),
    [
        (WRITER, CONTAINER, {entra.READ, entra.WRITE, entra.DELETE}),
        (READER, CONTAINER, {entra.READ}),
        (READER, ACCOUNT.lower(), {entra.READ}),
        (WRITER, "/subscriptions/s/resourceGroups/g", {entra.READ, entra.WRITE, entra.DELETE}),
        (WRITER, f"{CONTAINER}2", set()),
        (WRITER, CONTAINER[:-1], set()),
        ("b24988ac-6180-42a0-ab88-20f7382dd24c", CONTAINER, set()),
    ],
)
def test_a_role_opens_the_scope_that_it_is_assigned_at(role: str, scope: str, allowed: set[str]) -> None:
    world = azure_world()
    assign(world, role, scope)
    found = set()
    for action in (entra.READ, entra.WRITE, entra.DELETE):
        with suppress(entra.DeniedError):
            entra.require(world, "principal", CONTAINER, action)
            found.add(action)
    assert found == allowed


def test_a_role_of_somebody_else_opens_nothing() -> None:
    world = azure_world()
    assign(world, WRITER, CONTAINER, principal="other")
    with pytest.raises(entra.DeniedError) as refused:
        entra.require(world, "principal", CONTAINER, entra.READ)
    assert refused.value.code == "AuthorizationPermissionMismatch"


@pytest.mark.parametrize(
    ("method", "query", "of_container", "action"),
    [
        ("GET", {"restype": "container", "comp": "list"}, True, entra.READ),
        ("GET", {"restype": "container"}, True, entra.CONTAINER_READ),
        ("PUT", {"restype": "container"}, True, entra.CONTAINER_WRITE),
        ("HEAD", {}, False, entra.READ),
        ("PUT", {"comp": "block"}, False, entra.WRITE),
        ("DELETE", {}, False, entra.DELETE),
    ],
)
def test_a_blob_request_takes_the_action_of_what_it_does(
    method: str, query: dict[str, str], of_container: bool, action: str
) -> None:
    assert entra.action(method, query, of_container=of_container) == action


def test_the_webhook_gives_every_container_the_token_and_keeps_what_the_pod_says_itself() -> None:
    env = [{"name": "AZURE_CLIENT_ID", "value": "mine"}]
    pod = {
        "metadata": {"annotations": {entra.SKIPPED: "apart;"}},
        "spec": {
            "initContainers": [{"name": "first"}],
            "containers": [{"name": "main", "env": env}, {"name": "apart"}],
            "volumes": [{"name": "other", "emptyDir": {}}],
        },
    }
    patch = {each["path"]: each["value"] for each in entra.mutated(pod, {entra.CLIENT_ID: "client"}, "tenant")}
    main, apart = patch["/spec/containers"]
    assert apart == {"name": "apart"}
    assert {entry["name"]: entry["value"] for entry in main["env"]} == {
        "AZURE_CLIENT_ID": "mine",
        "AZURE_TENANT_ID": "tenant",
        "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/tokens/azure-identity-token",
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
    }
    [first] = patch["/spec/initContainers"]
    assert {"name": "AZURE_CLIENT_ID", "value": "client"} in first["env"]
    assert first["volumeMounts"] == main["volumeMounts"]
    assert [volume["name"] for volume in patch["/spec/volumes"]] == ["other", "azure-identity-token"]
    [source] = patch["/spec/volumes"][1]["projected"]["sources"]
    assert source["serviceAccountToken"] == {
        "path": "azure-identity-token",
        "expirationSeconds": 3600,
        "audience": "api://AzureADTokenExchange",
    }


def test_a_pod_whose_service_account_names_no_identity_gets_an_empty_one() -> None:
    [replaced, _] = entra.mutated({"spec": {"containers": [{"name": "main"}]}}, {}, "tenant")
    assert {"name": "AZURE_CLIENT_ID", "value": ""} in replaced["value"][0]["env"]


def test_tokens_hold_for_their_audience_and_time_and_with_their_own_key_alone(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "key")
    token = tokens.issue("store", seconds=60, member="me")
    assert Tokens(tmp_path / "key").read(token, "store")["member"] == "me"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    changed_claims = token.split(".")
    changed_claims[1] = tokens.issue("store", seconds=60, member="other").split(".")[1]
    for wrong, audience in (
        (token, "other"),
        (tokens.issue("store", seconds=-1, member="me"), "store"),
        (".".join(changed_claims), "store"),
        (Tokens(tmp_path / "another").issue("store", seconds=60, member="me"), "store"),
        ("", "store"),
    ):
        with pytest.raises(jwt.InvalidTokenError):
            tokens.read(wrong, audience)
