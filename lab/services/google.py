"""Authentication and authorisation of pods in the simulated Google Cloud, decided from its inventory.

On GKE a pod gets its token from a metadata server. It is a token of the Google service account in the annotation of the
pod's Kubernetes ServiceAccount, if the account's policy allows exactly this ServiceAccount; without an annotation the
pod's identity is the ServiceAccount itself, https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lab.clouds.inventory import Item, World
from lab.services.http import Response, answer

ANNOTATION: Final = "iam.gke.io/gcp-service-account"
USER_ROLE: Final = "roles/iam.workloadIdentityUser"

ACCOUNT: Final = "gcp:serviceaccount/account:Account"
ACCOUNT_MEMBER: Final = "gcp:serviceaccount/iAMMember:IAMMember"
BUCKET: Final = "gcp:storage/bucket:Bucket"
BUCKET_MEMBER: Final = "gcp:storage/bucketIAMMember:BucketIAMMember"
CLUSTER: Final = "gcp:container/cluster:Cluster"
NODE_POOL: Final = "gcp:container/nodePool:NodePool"
PROJECT_MEMBER: Final = "gcp:projects/iAMMember:IAMMember"

_READ: Final = frozenset({"storage.objects.get", "storage.objects.list"})
_WRITE: Final = frozenset({"storage.objects.create", "storage.objects.delete", "storage.objects.update"})
_LEGACY_BUCKET: Final = frozenset({"storage.buckets.get", "storage.objects.list"})
ROLES: Final[Mapping[str, frozenset[str]]] = {
    "roles/storage.objectViewer": _READ,
    "roles/storage.objectCreator": frozenset({"storage.objects.create"}),
    "roles/storage.objectUser": _READ | _WRITE,
    "roles/storage.objectAdmin": _READ | _WRITE,
    "roles/storage.admin": _READ | _WRITE | {"storage.buckets.get"},
    "roles/storage.legacyBucketReader": _LEGACY_BUCKET,
    "roles/storage.legacyBucketWriter": _LEGACY_BUCKET | {"storage.objects.create", "storage.objects.delete"},
    "roles/storage.legacyObjectReader": frozenset({"storage.objects.get"}),
    "roles/editor": _LEGACY_BUCKET,
    "roles/owner": _LEGACY_BUCKET,
    "roles/viewer": frozenset(),
}
"""Permissions on objects by role, https://cloud.google.com/storage/docs/access-control/iam-roles; roles that are not
listed here have none."""
_CONNECT: Final = frozenset({"cloudsql.instances.get", "cloudsql.instances.connect"})
SQL_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "roles/cloudsql.admin": _CONNECT,
    "roles/cloudsql.client": _CONNECT,
    "roles/cloudsql.editor": _CONNECT,
    "roles/cloudsql.instanceUser": frozenset({"cloudsql.instances.get"}),
    "roles/cloudsql.viewer": frozenset({"cloudsql.instances.get"}),
    "roles/editor": _CONNECT,
    "roles/owner": _CONNECT,
    "roles/viewer": frozenset({"cloudsql.instances.get"}),
}
"""Permissions on Cloud SQL instances by role, https://cloud.google.com/sql/docs/postgres/iam-roles."""
_TERM: Final = re.compile(r"""resource\.(name|service|type)\s*==\s*(?:'([^']*)'|"([^"]*)")""")
_POOLS: Final = "/locations/global/workloadIdentityPools/"


class DeniedError(Exception):
    """A refusal of Google Cloud, with its reason."""

    def __init__(self, message: str, *, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail
        """Additional detail for the lab's log; Google does not return it."""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """A pod and its ServiceAccount in the cluster."""

    namespace: str
    service_account: str
    annotations: Mapping[str, str]
    """Annotations of its ServiceAccount."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """Attributes of a resource that a condition can use."""

    name: str
    service: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Principal:
    """The identity of a token."""

    email: str
    """The account's e-mail address in the metadata server's answers."""
    member: str
    """The member's name in IAM policies."""
    project: str


def claimed(world: World, workload: Workload) -> Principal:
    """The claimed identity of a pod, which the metadata server returns without a check.

    Raises:
        DeniedError: the cluster has no workload identity.
    """
    cluster = next((item for item in ready(world, CLUSTER)), None)
    pool = str((cluster.inputs.get("workloadIdentityConfig") or {}).get("workloadPool") or "") if cluster else ""
    if not pool:
        raise DeniedError("the cluster has no workload pool: pods have no identity of their own")
    for nodes in ready(world, NODE_POOL):
        mode = ((nodes.inputs.get("nodeConfig") or {}).get("workloadMetadataConfig") or {}).get("mode")
        if mode != "GKE_METADATA":
            raise DeniedError(f"node pool {nodes.id} does not serve GKE's metadata (workloadMetadataConfig.mode)")
    project = pool.removesuffix(".svc.id.goog")
    email = workload.annotations.get(ANNOTATION)
    if email is None:
        direct = f"{_POOLS}{pool}/subject/ns/{workload.namespace}/sa/{workload.service_account}"
        return Principal(email=pool, member=direct, project=project)
    return Principal(email=email, member=f"serviceAccount:{email}", project=project)


def principal(world: World, workload: Workload) -> Principal:
    """The verified identity of a pod.

    Raises:
        DeniedError: the cluster has no workload identity, or the annotated account does not let this pod use it.
    """
    who = claimed(world, workload)
    if ANNOTATION not in workload.annotations:
        return who
    account = next((item for item in ready(world, ACCOUNT) if item.outputs.get("email") == who.email), None)
    if account is None:
        raise DeniedError(f"service account {who.email} does not exist")
    subject = f"{workload.namespace}/{workload.service_account}"
    wanted = f"serviceAccount:{who.project}.svc.id.goog[{subject}]"
    if not any(
        grant.inputs.get("role") == USER_ROLE
        and grant.inputs.get("member") == wanted
        and account.called(str(grant.inputs.get("serviceAccountId")))
        for grant in ready(world, ACCOUNT_MEMBER)
    ):
        raise DeniedError(
            f"Permission 'iam.serviceAccounts.getAccessToken' denied on {who.email}: {wanted} has no {USER_ROLE} on it"
        )
    return who


def bucket(world: World, name: str) -> Item | None:
    """The bucket of that name, or None."""
    return next((item for item in ready(world, BUCKET) if item.outputs.get("name", item.id) == name), None)


def require(world: World, member: str, name: str, permission: str) -> None:
    """Check that a principal may perform an action on a bucket.

    Raises:
        DeniedError: none of its roles on the bucket or its project allows it.
    """
    grants = [
        *(grant for grant in ready(world, BUCKET_MEMBER) if _bucket_of(grant) == name),
        *ready(world, PROJECT_MEMBER),
    ]
    if not any(
        _means(str(grant.inputs.get("member")), member)
        and permission in ROLES.get(str(grant.inputs.get("role")), frozenset())
        for grant in grants
    ):
        raise DeniedError(f"{member} does not have {permission} access to the Google Cloud Storage bucket {name}.")


def require_on_project(world: World, member: str, permission: str, project: str, resource: Resource) -> None:
    """Check that a principal may perform an action on a Cloud SQL instance of a project.

    Raises:
        DeniedError: none of its roles on the project allows it for this instance.
    """
    if not any(
        _means(str(grant.inputs.get("member")), member)
        and grant.inputs.get("project", project) == project
        and permission in SQL_ROLES.get(str(grant.inputs.get("role")), frozenset())
        and _holds(str((grant.inputs.get("condition") or {}).get("expression", "")), resource)
        for grant in ready(world, PROJECT_MEMBER)
    ):
        # Message from https://github.com/GoogleCloudPlatform/cloud-sql-proxy/issues/1651.
        raise DeniedError(
            "The client is not authorized to make this request.",
            detail=f"{member} lacks {permission} on {resource.name}",
        )


def _holds(expression: str, resource: Resource) -> bool:
    """Whether a condition is true: comparisons joined by `&&`, as in Cloud SQL's guide.

    https://cloud.google.com/sql/docs/postgres/iam-conditions, "Example IAM conditions"; any other expression of the
    Common Expression Language counts as false.
    """
    if not expression:
        return True
    terms = [_TERM.fullmatch(term.strip()) for term in expression.split("&&")]
    return all(term is not None and getattr(resource, term[1]) == (term[2] or term[3]) for term in terms)


def error(status: int, message: str, reason: str) -> Response:
    """A refusal in the form of Google's APIs, https://cloud.google.com/apis/design/errors#http_mapping."""
    entry = {"message": message, "domain": "global", "reason": reason}
    return answer({"error": {"code": status, "message": message, "errors": [entry]}}, status)


def permissions(method: str, path: str, *, exists: bool) -> tuple[str, list[str]]:
    """The bucket of a request to the JSON API, and the required permissions.

    Args:
        exists: whether the object to write already exists; replacing it requires permission to delete it.

    Raises:
        DeniedError: this stand-in does not support the request.
    """
    match (method, *path.strip("/").split("/")):
        case ("GET", "storage", "v1", "b", name):
            return name, ["storage.buckets.get"]
        case ("GET", "storage", "v1", "b", name, "o"):
            return name, ["storage.objects.list"]
        case ("GET", "storage", "v1", "b", name, "o", *_) | ("GET", "download", "storage", "v1", "b", name, "o", *_):
            return name, ["storage.objects.get"]
        case ("POST" | "PUT", "upload", "storage", "v1", "b", name, "o"):
            return name, ["storage.objects.create", *(["storage.objects.delete"] if exists else [])]
        case ("PATCH" | "PUT", "storage", "v1", "b", name, "o", *_):
            return name, ["storage.objects.update"]
        case ("DELETE", "storage", "v1", "b", name, "o", *_):
            return name, ["storage.objects.delete"]
    raise DeniedError(f"{method} {path} is not part of the lab's Cloud Storage")


def _means(granted: str, member: str) -> bool:
    """Whether a policy's member is this one; the policy refers to a pool's project by number."""
    return granted == member or (member.startswith(_POOLS) and granted.endswith(member))


def _bucket_of(grant: Item) -> str:
    return str(grant.inputs.get("bucket")).removeprefix("b/")


def ready(world: World, kind: str) -> Iterator[Item]:
    """Existing resources that have propagated everywhere."""
    now = time.time()
    return (item for item in world.of(kind) if item.ready <= now and not item.abandoned)
