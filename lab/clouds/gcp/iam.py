"""Roles, members and service accounts of the simulated Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from lab.clouds.gcp.resource import GcpKind, fingerprint, is_late, project_number, project_of
from lab.clouds.gcp.tokens import ACCOUNT, BUCKET, DATASET, REPOSITORY
from lab.clouds.kind import ApiError, Call, Grammar, Reference
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

_MEMBER: Final = re.compile(
    r"allUsers|allAuthenticatedUsers|(user|group|serviceAccount|domain|projectOwner|projectEditor|projectViewer):[^\s]+"
    r"|principal(Set)?://iam\.googleapis\.com/[^\s]+"
)
_ROLE: Final = re.compile(r"roles/[a-zA-Z0-9]+(\.[a-zA-Z0-9]+)*|(projects|organizations)/[^/]+/roles/[a-zA-Z0-9_.]+")
_ACCOUNT_MEMBER: Final = re.compile(r"serviceAccount:([^\[\s]+)")
_POOL_MEMBER: Final = re.compile(r"serviceAccount:([^\[]+\.svc\.id\.goog)\[([^/\]]+)/([^\]]+)\]")
_POOL_PRINCIPAL: Final = re.compile(r"principal(?:Set)?://.*/workloadIdentityPools/([^/]+\.svc\.id\.goog)/.*")
KNOWN_ROLES: Final[Mapping[str, tuple[str, ...]]] = {
    "storage": (
        "admin",
        "bucketViewer",
        "folderAdmin",
        "legacyBucketOwner",
        "legacyBucketReader",
        "legacyBucketWriter",
        "legacyObjectOwner",
        "legacyObjectReader",
        "objectAdmin",
        "objectCreator",
        "objectUser",
        "objectViewer",
    ),
    "bigquery": (
        "admin",
        "connectionAdmin",
        "connectionUser",
        "dataEditor",
        "dataOwner",
        "dataViewer",
        "filteredDataViewer",
        "jobUser",
        "metadataViewer",
        "readSessionUser",
        "resourceAdmin",
        "resourceEditor",
        "resourceViewer",
        "studioAdmin",
        "studioUser",
        "user",
    ),
    "artifactregistry": (
        "admin",
        "createOnPushRepoAdmin",
        "createOnPushWriter",
        "reader",
        "repoAdmin",
        "writer",
    ),
    "iam": (
        "serviceAccountAdmin",
        "serviceAccountOpenIdTokenCreator",
        "serviceAccountTokenCreator",
        "serviceAccountUser",
        "serviceAccountViewer",
        "workloadIdentityUser",
    ),
    "container": (
        "admin",
        "clusterAdmin",
        "clusterViewer",
        "defaultNodeServiceAccount",
        "developer",
        "hostServiceAgentUser",
        "viewer",
    ),
    "iap": ("admin", "httpsResourceAccessor", "settingsAdmin", "tunnelResourceAccessor", "tunnelDestGroupViewer"),
    "logging": ("admin", "bucketWriter", "configWriter", "logWriter", "privateLogViewer", "viewAccessor", "viewer"),
    "monitoring": ("admin", "editor", "metricWriter", "metricsScopesViewer", "viewer"),
    "secretmanager": (
        "admin",
        "secretAccessor",
        "secretVersionAdder",
        "secretVersionManager",
        "viewer",
    ),
    "cloudsql": ("admin", "client", "editor", "instanceUser", "viewer"),
}
"""Predefined roles of the services for which the list is complete; https://cloud.google.com/iam/docs/roles-permissions."""


def account_of(member: str) -> str | None:
    """The e-mail address of a member that is a service account; None for other members."""
    if _POOL_MEMBER.fullmatch(member):
        return None
    found = _ACCOUNT_MEMBER.fullmatch(member)
    return found[1] if found else None


def _googles_own(email: str) -> bool:
    """Whether Google manages an account."""
    return not email.endswith(".iam.gserviceaccount.com") or bool(
        re.match(r"(service-\d+|\d+-compute)@|.*@gcp-sa-", email)
    )


class Member(GcpKind):
    """One member with one role on a resource. It is immutable, and adding it twice is allowed."""

    name: ClassVar[str] = ""
    link = ""
    services: ClassVar[tuple[str, ...]] = ()
    """Services whose roles can be granted here; empty means all."""
    references = (Reference(path="member", to=(ACCOUNT,), way="ignores", name=account_of, implicit=_googles_own),)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of invalid members and roles."""
        yield from super().faults(inputs, config)
        for name, form in (("member", _MEMBER), ("role", _ROLE)):
            value = inputs[name]
            if not is_unknown(value) and not form.fullmatch(value):
                yield name, f"is {value!r}, no {name}"

    def accept(self, call: Call) -> None:
        """Refuse roles that do not exist for this resource, and a missing identity pool."""
        role, member = call.inputs["role"], call.inputs["member"]
        service, _, rest = role.removeprefix("roles/").partition(".")
        if role.startswith("roles/") and (
            (service in KNOWN_ROLES and rest not in KNOWN_ROLES[service])
            or (self.services and service not in self.services)
        ):
            raise ApiError(400, f"Role {role} is not supported for this resource.", reason="badRequest")
        found = _POOL_MEMBER.fullmatch(member) or _POOL_PRINCIPAL.fullmatch(member)
        pools = call.world.facts.get("workload_pools", {})
        if found and (found[1] not in pools or is_late(call.world, f"pool {found[1]}")):
            raise ApiError(
                400,
                f"Identity Pool does not exist ({found[1]}). Please check that you specified a valid resource name as "
                "returned in the `name` attribute in the configuration API.",
                reason="badRequest",
            )

    def exists(self, call: Call) -> None:
        """No refusal: adding it twice has no effect."""

    def missing(self, call: Call, reference: Reference, name: str) -> ApiError:
        """The refusal in IAM's words."""
        if reference.path == "member":
            return ApiError(400, f"Service account {name} does not exist.", reason="badRequest")
        return super().missing(call, reference, name)

    def id(self, call: Call) -> str:
        """Resource, role, member, and the condition's title."""
        condition = call.get("condition.title")
        suffix = f"/{condition}" if condition else ""
        return f"{super().id(call)}/{call.inputs['role']}/{call.inputs['member']}{suffix}"

    def outputs(self, call: Call) -> dict[str, Any]:
        """The etag of the policy."""
        return {"etag": fingerprint(call.id)}


class ProjectMember(Member):
    """A role on the whole project."""

    token = "gcp:projects/iAMMember:IAMMember"  # noqa: S105 - a type token
    api = "cloudresourcemanager.googleapis.com"
    path = "{project}"
    immutable = ("project", "role", "member", "condition")


class AccountMember(Member):
    """A role on a service account, above all the role to impersonate it."""

    token = "gcp:serviceaccount/iAMMember:IAMMember"  # noqa: S105
    api = "iam.googleapis.com"
    path = "{serviceAccountId}"
    services = ("iam",)
    immutable = ("serviceAccountId", "role", "member", "condition")
    references = (
        *Member.references,
        Reference(path="serviceAccountId", to=(ACCOUNT,), way="goes_with"),
    )


class BucketMember(Member):
    """A role on a bucket."""

    token = "gcp:storage/bucketIAMMember:BucketIAMMember"  # noqa: S105
    api = "storage.googleapis.com"
    path = "b/{bucket}"
    services = ("storage",)
    immutable = ("bucket", "role", "member", "condition")
    references = (*Member.references, Reference(path="bucket", to=(BUCKET,), way="goes_with"))


class DatasetMember(Member):
    """A role on a dataset, of those that a dataset can have.

    The provider writes it into the dataset's access list, which has no conditions: iam_bigquery_dataset.go
    (policyToAccess). Roles to run jobs are granted on projects only,
    https://cloud.google.com/bigquery/docs/access-control#bigquery.jobUser.
    """

    token = "gcp:bigquery/datasetIamMember:DatasetIamMember"  # noqa: S105
    api = "bigquery.googleapis.com"
    path = "projects/{project}/datasets/{datasetId}"
    services = ("bigquery",)
    immutable = ("datasetId", "project", "role", "member", "condition")
    references = (*Member.references, Reference(path="datasetId", to=(DATASET,), way="goes_with"))

    def accept(self, call: Call) -> None:
        """Refuse conditions, and roles that only a project can have."""
        if call.get("condition") is not None:
            raise ApiError(400, "IAM conditions not allowed on BigQuery Dataset IAM")
        if call.inputs["role"] in ("roles/bigquery.jobUser", "roles/bigquery.readSessionUser"):
            raise ApiError(400, f"Role {call.inputs['role']} is not supported for this resource.", reason="badRequest")
        super().accept(call)


class RepositoryMember(Member):
    """A role on a repository."""

    token = "gcp:artifactregistry/repositoryIamMember:RepositoryIamMember"  # noqa: S105
    api = "artifactregistry.googleapis.com"
    path = "projects/{project}/locations/{location}/repositories/{repository}"
    services = ("artifactregistry",)
    immutable = ("project", "location", "repository", "role", "member", "condition")
    references = (*Member.references, Reference(path="repository", to=(REPOSITORY,), way="goes_with"))


class ProxyMember(Member):
    """A role on all resources of Identity-Aware Proxy in the project."""

    token = "gcp:iap/webTypeComputeIamMember:WebTypeComputeIamMember"  # noqa: S105
    api = "iap.googleapis.com"
    path = "projects/{project}/iap_web/compute"
    services = ("iap",)
    immutable = ("project", "role", "member", "condition")

    def admit(self, call: Call) -> None:
        """Refuse a user's login without a quota project; it is a guess that IAP requires it.

        https://cloud.google.com/docs/authentication/troubleshoot-adc#user-creds-client-based,
        https://github.com/hashicorp/terraform-provider-google/issues/24500.
        """
        super().admit(call)
        if str(call.config.get("userProjectOverride", "")).lower() != "true" or not call.config.get("billingProject"):
            raise ApiError(
                403,
                "Your application is authenticating by using local Application Default Credentials. The "
                "iap.googleapis.com API requires a quota project, which is not set by default.",
                reason="forbidden",
            )


class Account(GcpKind):
    """A service account.

    The plugin takes about 12 seconds, most of which it waits for propagation,
    https://github.com/hashicorp/terraform-provider-google/issues/18024.
    """

    token = ACCOUNT
    api = "iam.googleapis.com"
    name = "accountId"
    link = ""
    grammar = Grammar(
        pattern=r"[a-z]([-a-z0-9]{4,28}[a-z0-9])", words="6 to 30 of a-z, 0-9 and -, beginning with a letter"
    )
    required = ("accountId",)
    immutable = ("accountId", "project")

    def id(self, call: Call) -> str:
        """Policies refer to it by its address."""
        return f"projects/{project_of(call)}/serviceAccounts/{_email(call)}"

    def names(self, call: Call) -> list[str]:
        """Address and number, by which others refer to it."""
        return [_email(call), fingerprint_number(call.id)]

    def accept(self, call: Call) -> None:
        """Refuse texts that are too long."""
        if len(call.get("displayName", "")) > 100 or len(call.get("description", "").encode()) > 256:
            raise ApiError(400, "The display name or description is too long.", reason="badRequest")

    def exists(self, call: Call) -> ApiError | None:
        """Refuse a second account, unless `createIgnoreAlreadyExists` is set."""
        if call.get("createIgnoreAlreadyExists", False):
            return None
        return ApiError(
            409,
            f"Service account {call.inputs['accountId']} already exists within project projects/{project_of(call)}.",
            reason="alreadyExists",
        )

    def outputs(self, call: Call) -> dict[str, Any]:
        """Address and number."""
        email = _email(call)
        return {
            "email": email,
            "member": f"serviceAccount:{email}",
            "name": f"projects/{project_of(call)}/serviceAccounts/{email}",
            "uniqueId": fingerprint_number(call.id),
        }


def fingerprint_number(text: str) -> str:
    """21 digits, derived from a text."""
    return f"1{int(fingerprint(text, 20), 16):020d}"[:21]


def _email(call: Call) -> str:
    return f"{call.inputs['accountId']}@{project_of(call)}.iam.gserviceaccount.com"


def default_account(call: Call) -> str:
    """The address of the default account of machines."""
    return f"{project_number(project_of(call))}-compute@developer.gserviceaccount.com"
