"""Authentication and authorisation of pods in the simulated Azure, decided from its inventory.

On AKS a webhook mounts a token of the ServiceAccount into labelled pods. Entra exchanges it for a token of a managed
identity, but only if that identity has a federated credential with exactly the token's issuer, subject and audience,
https://azure.github.io/azure-workload-identity/docs/.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lab.clouds.inventory import Item, World

CLUSTER: Final = "azure-native:containerservice:ManagedCluster"
IDENTITY: Final = "azure-native:managedidentity:UserAssignedIdentity"
FEDERATED: Final = "azure-native:managedidentity:FederatedIdentityCredential"
ASSIGNMENT: Final = "azure-native:authorization:RoleAssignment"
ACCOUNT: Final = "azure-native:storage:StorageAccount"
CONTAINER: Final = "azure-native:storage:BlobContainer"

AUDIENCE: Final = "api://AzureADTokenExchange"
LABEL: Final = "azure.workload.identity/use"
CLIENT_ID: Final = "azure.workload.identity/client-id"
TENANT_ID: Final = "azure.workload.identity/tenant-id"
SKIPPED: Final = "azure.workload.identity/skip-containers"
EXPIRY: Final = "azure.workload.identity/service-account-token-expiration"
TOKEN_FOLDER: Final = "/var/run/secrets/azure/tokens"  # noqa: S105 - a path
TOKEN_FILE: Final = "azure-identity-token"  # noqa: S105 - a name
AUTHORITY: Final = "https://login.microsoftonline.com/"

_BLOBS: Final = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_CONTAINERS: Final = "Microsoft.Storage/storageAccounts/blobServices/containers"
READ: Final = f"{_BLOBS}/read"
WRITE: Final = f"{_BLOBS}/write"
DELETE: Final = f"{_BLOBS}/delete"
CONTAINER_READ: Final = f"{_CONTAINERS}/read"
CONTAINER_WRITE: Final = f"{_CONTAINERS}/write"
_CHANGES: Final = frozenset({READ, WRITE, DELETE, CONTAINER_READ, CONTAINER_WRITE})
ROLES: Final[Mapping[str, frozenset[str]]] = {
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": frozenset({READ, CONTAINER_READ}),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": _CHANGES,
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": _CHANGES,
}
"""Data actions of Storage Blob Data Reader, Contributor and Owner,
https://learn.microsoft.com/en-us/azure/role-based-access-control/built-in-roles/storage; the roles of the management
plane, Owner and Contributor among them, give no access to blobs."""


class DeniedError(Exception):
    """A refusal of Entra or Blob Storage, with its code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The identity of a token."""

    id: str
    """The object id, which role assignments refer to."""
    client_id: str
    tenant: str


def principal(
    world: World, *, client_id: str, tenant: str, subject: str, audiences: Sequence[str], issuer: str | None = None
) -> Principal:
    """The managed identity whose token replaces a ServiceAccount's token.

    Args:
        subject: `system:serviceaccount:NAMESPACE:NAME`, from a token that the cluster has verified.
        audiences: the token's audiences.
        issuer: the token's issuer; default: that of the simulated cluster.

    Raises:
        DeniedError: there is no such identity, or none of its federated credentials matches this token exactly.
    """
    identity = next((item for item in _ready(world, IDENTITY) if item.outputs.get("clientId") == client_id), None)
    if identity is None or identity.outputs.get("tenantId", tenant) != tenant:
        raise DeniedError(
            "unauthorized_client",
            f"AADSTS700016: Application with identifier '{client_id}' was not found in the directory '{tenant}'.",
        )
    issuer = cluster_issuer(world) if issuer is None else issuer
    trusted = [item.inputs for item in _ready(world, FEDERATED) if _belongs(item, identity)]
    for what, code, value, matching in (
        ("issuer", "AADSTS700211", issuer, lambda each: each.get("issuer") == issuer),
        ("subject", "AADSTS700213", subject, lambda each: each.get("subject") == subject),
        (
            "audience",
            "AADSTS700212",
            ", ".join(audiences),
            lambda each: set(each.get("audiences", [])) & set(audiences),
        ),
    ):
        trusted = [each for each in trusted if matching(each)]
        if not trusted:
            raise DeniedError(
                "invalid_client",
                f"{code}: No matching federated identity record found for presented assertion {what} '{value}'.",
            )
    return Principal(id=str(identity.outputs["principalId"]), client_id=client_id, tenant=tenant)


def cluster_issuer(world: World) -> str:
    """The issuer of the simulated cluster's ServiceAccount tokens; "" if it has none."""
    for cluster in _ready(world, CLUSTER):
        if (cluster.inputs.get("oidcIssuerProfile") or {}).get("enabled"):
            return str((cluster.outputs.get("oidcIssuerProfile") or {}).get("issuerURL") or "")
    return ""


def has_webhook(world: World) -> bool:
    """Whether the simulated cluster has the workload identity webhook."""
    return any(
        ((cluster.inputs.get("securityProfile") or {}).get("workloadIdentity") or {}).get("enabled")
        for cluster in world.of(CLUSTER)
    )


def tenant(world: World) -> str:
    """The tenant of the simulated cluster's identities; "" if there are none."""
    return next((str(item.outputs.get("tenantId") or "") for item in world.of(IDENTITY)), "")


def container(world: World, account: str, name: str) -> Item | None:
    """The blob container of that name in a storage account, or None."""
    return next(
        (
            item
            for item in _ready(world, CONTAINER)
            if item.inputs.get("accountName") == account and item.inputs.get("containerName") == name
        ),
        None,
    )


def require(world: World, principal_id: str, resource_id: str, action: str) -> None:
    """Check that a principal may perform an action on a container.

    Raises:
        DeniedError: no role assignment on the container or a scope above it allows the action.
    """
    for assignment in _ready(world, ASSIGNMENT):
        role = str(assignment.inputs.get("roleDefinitionId")).rpartition("/")[2].lower()
        scope = str(assignment.inputs.get("scope")).rstrip("/").lower()
        inside = f"{resource_id.lower()}/".startswith(f"{scope}/")
        if assignment.inputs.get("principalId") == principal_id and inside and action in ROLES.get(role, frozenset()):
            return
    raise DeniedError(
        "AuthorizationPermissionMismatch",
        "This request is not authorized to perform this operation using this permission.",
    )


def action(method: str, query: Mapping[str, str], *, of_container: bool) -> str:
    """The actions that a request to Blob Storage needs.

    Raises:
        DeniedError: this stand-in does not support the request.
    """
    if of_container:
        match (method, query.get("restype"), query.get("comp")):
            case ("GET", "container", "list"):
                return READ
            case ("GET" | "HEAD", "container", None | "metadata"):
                return CONTAINER_READ
            case ("PUT", "container", None | "metadata"):
                return CONTAINER_WRITE
    elif method in ("GET", "HEAD"):
        return READ
    elif method == "PUT":
        return WRITE
    elif method == "DELETE":
        return DELETE
    raise DeniedError("UnsupportedHttpVerb", f"{method} with {dict(query)} is not part of the lab's Blob Storage.")


def mutated(pod: Mapping[str, Any], annotations: Mapping[str, str], tenant: str) -> list[dict[str, Any]]:
    """The webhook's changes to a labelled pod, as a JSON patch.

    Args:
        annotations: of the pod's ServiceAccount.
        tenant: the cluster's tenant.
    """
    spec = pod["spec"]
    notes = (pod.get("metadata") or {}).get("annotations") or {}
    skipped = {name.strip() for name in notes.get(SKIPPED, "").split(";")}
    variables = {
        "AZURE_CLIENT_ID": annotations.get(CLIENT_ID, ""),
        "AZURE_TENANT_ID": annotations.get(TENANT_ID, tenant),
        "AZURE_FEDERATED_TOKEN_FILE": f"{TOKEN_FOLDER}/{TOKEN_FILE}",
        "AZURE_AUTHORITY_HOST": AUTHORITY,
    }
    patch: list[dict[str, Any]] = []
    for kind in ("containers", "initContainers"):
        if kind not in spec:
            continue
        containers = [each if each["name"] in skipped else _with(each, variables) for each in spec[kind]]
        patch.append({"op": "replace", "path": f"/spec/{kind}", "value": containers})
    expiry = int(notes.get(EXPIRY, annotations.get(EXPIRY, 3600)))
    token = {"path": TOKEN_FILE, "expirationSeconds": expiry, "audience": AUDIENCE}
    volume = {"name": TOKEN_FILE, "projected": {"sources": [{"serviceAccountToken": token}], "defaultMode": 420}}
    volumes = [each for each in spec.get("volumes") or [] if each["name"] != TOKEN_FILE]
    patch.append({"op": "add", "path": "/spec/volumes", "value": [*volumes, volume]})
    return patch


def _with(container: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """A container, completed with the variables and the mount."""
    has = {entry["name"] for entry in container.get("env") or []}
    mounts = list(container.get("volumeMounts") or [])
    if not any(mount["mountPath"] == TOKEN_FOLDER for mount in mounts):
        mounts.append({"name": TOKEN_FILE, "mountPath": TOKEN_FOLDER, "readOnly": True})
    added = [{"name": name, "value": value} for name, value in variables.items() if name not in has]
    return {**container, "env": [*(container.get("env") or []), *added], "volumeMounts": mounts}


def _belongs(credential: Item, identity: Item) -> bool:
    """Whether a federated credential belongs to an identity."""
    return credential.id.lower().startswith(f"{identity.id.lower()}/")


def _ready(world: World, kind: str) -> Iterator[Item]:
    """Existing resources that have propagated everywhere."""
    now = time.time()
    return (item for item in world.of(kind) if item.ready <= now and not item.abandoned)
