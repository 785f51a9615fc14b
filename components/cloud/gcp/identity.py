"""Workload identity: a Google Cloud service account for each workload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp import bigquery, projects, serviceaccount, storage

from components.cloud.gcp.names import ACCOUNT_MAX
from components.cloud.gcp.scope import GcpScope
from components.cloud.ordering import after
from components.contract.cloud import Identity
from components.contract.requirements import CloudRequirements
from components.contract.workloads import Workload

WRITER: Final = "roles/storage.objectUser"
"""Reads, writes and replaces objects; cannot change permissions."""
READER: Final = "roles/storage.objectViewer"
TABLE_WRITER: Final = "roles/bigquery.dataEditor"
"""Creates, reads and changes the tables of a dataset; https://cloud.google.com/bigquery/docs/access-control."""
JOB_RUNNER: Final = "roles/bigquery.jobUser"
"""Runs loads and queries. Granted on projects only, and says nothing about data."""
SECRET_READER: Final = "roles/secretmanager.secretAccessor"  # noqa: S105 - the name of a role
"""Reads the content of secrets; https://cloud.google.com/secret-manager/docs/access-control."""
BUCKET_READER: Final = "roles/storage.legacyBucketReader"
"""`storage.buckets.get`, which objectViewer lacks: https://cloud.google.com/storage/docs/access-control/iam-roles."""
ACCOUNT_ANNOTATION: Final = "iam.gke.io/gcp-service-account"


def create_account(
    name: str, scope: GcpScope, parts: Sequence[str], *, parent: pulumi.Resource
) -> serviceaccount.Account:
    """A service account; `parts` are its purpose, as words of its id and of its displayed name."""
    return serviceaccount.Account(
        name,
        account_id=scope.names.physical_name(*parts, limit=ACCOUNT_MAX),
        display_name=f"{' '.join(parts)} of {scope.names.instance}",
        opts=pulumi.ResourceOptions(parent=parent, hooks=scope.apis.hooks, depends_on=scope.apis.of("iam")),
    )


def create_binding(
    name: str,
    account: serviceaccount.Account,
    scope: GcpScope,
    *,
    pool: pulumi.Input[str],
    user: str,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """The id of the permission of a Kubernetes ServiceAccount, NAMESPACE/NAME, to act as a service account."""
    return serviceaccount.IAMMember(
        name,
        service_account_id=account.name,
        role="roles/iam.workloadIdentityUser",
        member=pulumi.Output.concat("serviceAccount:", pool, f"[{user}]"),
        opts=pulumi.ResourceOptions(parent=parent, hooks=scope.apis.hooks, depends_on=scope.apis.of("credentials")),
    ).id


def principal(account: serviceaccount.Account) -> pulumi.Output[str]:
    """The account as IAM policies name it."""
    return pulumi.Output.concat("serviceAccount:", account.email)


def identity(account: serviceaccount.Account, granted: Sequence[pulumi.Output[str]]) -> Identity:
    """The identity of an account. It resolves after the account has its roles: consumers start after that."""
    return Identity(
        service_account_annotations={ACCOUNT_ANNOTATION: after(account.email, granted)},
        principal=principal(account),
    )


@dataclass(frozen=True, kw_only=True)
class DatabaseAccess:
    """The workloads that connect to a server through the proxy."""

    server: pulumi.Input[str]
    """Name of the Cloud SQL server."""
    workloads: Sequence[Workload]


@dataclass(frozen=True, kw_only=True)
class LogAccess:
    """The workloads that write or read logs in a bucket."""

    bucket: pulumi.Input[str]
    writers: Sequence[Workload]
    readers: Sequence[Workload]

    @property
    def workloads(self) -> Sequence[Workload]:
        """Writers and readers."""
        return [*self.writers, *self.readers]


@dataclass(frozen=True, kw_only=True)
class DatasetAccess:
    """The workloads that write to datasets."""

    datasets: Mapping[str, pulumi.Input[str]]
    """Ids by name."""
    workloads: Sequence[Workload]


@dataclass(frozen=True, kw_only=True)
class DagAccess:
    """The workloads that read DAG files in a bucket."""

    bucket: pulumi.Input[str]
    workloads: Sequence[Workload]


@dataclass(frozen=True, kw_only=True)
class SecretAccess:
    """The workloads that read secrets whose names have certain beginnings."""

    prefixes: Sequence[str]
    workloads: Sequence[Workload]

    @property
    def expression(self) -> str:
        """The condition on a secret's name.

        `extract` is independent of whether the name has the project's number or its id,
        https://cloud.google.com/iam/docs/conditions-resource-attributes.
        """
        name = "resource.name.extract('/secrets/{name}/versions/')"
        beginnings = " || ".join(f"{name}.startsWith('{prefix}')" for prefix in self.prefixes)
        return f"resource.type == 'secretmanager.googleapis.com/SecretVersion' && ({beginnings})"


@dataclass(frozen=True, kw_only=True)
class IdentitiesArgs:
    """Arguments of the identities."""

    scope: GcpScope
    requirements: CloudRequirements
    workload_pool: pulumi.Input[str]
    logs: LogAccess | None
    database: DatabaseAccess | None
    datasets: DatasetAccess | None
    dags: DagAccess | None
    secrets: SecretAccess | None


class Identities(pulumi.ComponentResource):
    """One service account for each workload, with minimal roles, bound to exactly one Kubernetes ServiceAccount."""

    identities: dict[Workload, Identity]

    def __init__(self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Identities", name, None, opts)
        wanted = (args.logs, args.database, args.datasets, args.dags, args.secrets)
        accesses = [access for access in wanted if access is not None]
        workloads: set[Workload] = {workload for access in accesses for workload in access.workloads}
        workloads.update(args.requirements.cloud_identities)
        self.identities = {workload: self._identity(name, workload, args) for workload in sorted(workloads)}
        self.register_outputs({})

    def _identity(self, name: str, workload: Workload, args: IdentitiesArgs) -> Identity:
        scope, needed = args.scope, args.requirements
        account = create_account(f"{name}-{workload}", scope, [workload], parent=self)
        member = principal(account)
        roles: list[pulumi.Output[str]] = []
        if args.logs is not None and workload in args.logs.workloads:
            access = storage.BucketIAMMember(
                f"{name}-{workload}-access",
                bucket=args.logs.bucket,
                role=WRITER if workload in args.logs.writers else READER,
                member=member,
                opts=pulumi.ResourceOptions(parent=self, hooks=scope.apis.hooks),
            )
            roles.append(access.id)
        if args.dags is not None and workload in args.dags.workloads:
            roles += self._dag_reader(f"{name}-{workload}-dags", args.dags, member, scope)
        if args.database is not None and workload in args.database.workloads:
            roles.append(self._database_client(f"{name}-{workload}-database", args.database, member, scope))
        if args.datasets is not None and workload in args.datasets.workloads:
            roles += self._table_writer(f"{name}-{workload}", args.datasets, member, scope)
        if args.secrets is not None and workload in args.secrets.workloads:
            roles.append(self._secret_reader(f"{name}-{workload}-secrets", args.secrets, member, scope))
        binding = create_binding(
            f"{name}-{workload}-binding",
            account,
            scope,
            pool=args.workload_pool,
            user=f"{needed.namespace_of(workload)}/{needed.service_account(workload)}",
            parent=self,
        )
        return identity(account, [binding, *roles])

    def _table_writer(
        self, name: str, access: DatasetAccess, member: pulumi.Output[str], scope: GcpScope
    ) -> list[pulumi.Output[str]]:
        """Permission to write to datasets, and to run the jobs that write."""
        opts = pulumi.ResourceOptions(parent=self, hooks=scope.apis.hooks)
        members = [
            bigquery.DatasetIamMember(
                f"{name}-dataset-{dataset}", dataset_id=dataset_id, role=TABLE_WRITER, member=member, opts=opts
            )
            for dataset, dataset_id in access.datasets.items()
        ]
        jobs = projects.IAMMember(
            f"{name}-jobs",
            project=scope.settings.project,
            role=JOB_RUNNER,
            member=member,
            opts=pulumi.ResourceOptions(parent=self, hooks=scope.apis.hooks, depends_on=scope.apis.of("projects")),
        )
        return [jobs.id, *(role.id for role in members)]

    def _dag_reader(
        self, name: str, access: DagAccess, member: pulumi.Output[str], scope: GcpScope
    ) -> list[pulumi.Output[str]]:
        """Permission to read objects, and the bucket itself, which the bundle asks for before it reads."""
        return [
            storage.BucketIAMMember(
                f"{name}-{what}",
                bucket=access.bucket,
                role=role,
                member=member,
                # A bucket that exists already does not wait for the API.
                opts=pulumi.ResourceOptions(parent=self, hooks=scope.apis.hooks, depends_on=scope.apis.of("storage")),
            ).id
            for what, role in (("objects", READER), ("bucket", BUCKET_READER))
        ]

    def _secret_reader(
        self, name: str, access: SecretAccess, member: pulumi.Output[str], scope: GcpScope
    ) -> pulumi.Output[str]:
        """Permission to read secrets, of the project's those with the prefixes alone, also such that do not exist.

        Pods start after it, and so after the API is enabled.
        """
        return projects.IAMMember(
            name,
            project=scope.settings.project,
            role=SECRET_READER,
            member=member,
            condition=projects.IAMMemberConditionArgs(title="prefixes of Airflow", expression=access.expression),
            opts=pulumi.ResourceOptions(
                parent=self, hooks=scope.apis.hooks, depends_on=scope.apis.of("projects", "secrets")
            ),
        ).id

    def _database_client(
        self, name: str, access: DatabaseAccess, member: pulumi.Output[str], scope: GcpScope
    ) -> pulumi.Output[str]:
        """Permission to connect to one server. Cloud SQL has only project roles, so a condition names the server."""
        server = pulumi.Output.concat(f"projects/{scope.settings.project}/instances/", access.server)
        role = projects.IAMMember(
            name,
            project=scope.settings.project,
            role="roles/cloudsql.client",
            member=member,
            condition=projects.IAMMemberConditionArgs(
                title="one server",
                expression=pulumi.Output.concat(
                    "resource.name == '", server, "' && resource.service == 'sqladmin.googleapis.com'"
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, hooks=scope.apis.hooks, depends_on=scope.apis.of("projects")),
        )
        return role.id
