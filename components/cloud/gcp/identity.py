"""Who the parts of Airflow are in Google Cloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp import projects, serviceaccount, storage

from components.cloud.gcp.apis import Apis
from components.cloud.gcp.names import ACCOUNT_MAX, Names
from components.contract.cloud import LOG_WRITERS, Identity
from components.kubernetes import naming

WRITER: Final = "roles/storage.objectUser"
"""Reads, writes and replaces objects; changes no rights."""
READER: Final = "roles/storage.objectViewer"
ACCOUNT_ANNOTATION: Final = "iam.gke.io/gcp-service-account"


@dataclass(frozen=True, kw_only=True)
class DatabaseAccess:
    """Who goes through the proxy to a server."""

    project: str
    server: pulumi.Input[str]
    """Name of the Cloud SQL server."""
    parts: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class LogAccess:
    """Who writes or reads a bucket for logs."""

    bucket: pulumi.Input[str]
    parts: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class IdentitiesArgs:
    """What the identities are built from."""

    names: Names
    apis: Apis
    namespace: str
    workload_pool: pulumi.Input[str]
    logs: LogAccess | None
    database: DatabaseAccess | None


class Identities(pulumi.ComponentResource):
    """One service account for each part, with the narrowest roles, used by exactly one Kubernetes ServiceAccount."""

    identities: dict[str, Identity]

    def __init__(self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Identities", name, None, opts)
        accesses = [access for access in (args.logs, args.database) if access is not None]
        parts = sorted({part for access in accesses for part in access.parts})
        self.identities = {part: self._identity(name, part, args) for part in parts}
        self.register_outputs({})

    def _identity(self, name: str, part: str, args: IdentitiesArgs) -> Identity:
        account = serviceaccount.Account(
            f"{name}-{part}",
            account_id=args.names.of(part, limit=ACCOUNT_MAX),
            display_name=f"{part} of {args.names.instance}",
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, depends_on=args.apis.of("iam")),
        )
        member = pulumi.Output.concat("serviceAccount:", account.email)
        granted: list[pulumi.Output[str]] = []
        if args.logs is not None and part in args.logs.parts:
            access = storage.BucketIAMMember(
                f"{name}-{part}-access",
                bucket=args.logs.bucket,
                role=WRITER if part in LOG_WRITERS else READER,
                member=member,
                opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks),
            )
            granted.append(access.id)
        if args.database is not None and part in args.database.parts:
            granted.append(self._database_client(f"{name}-{part}-database", args.database, member, args.apis))
        kubernetes_account = naming.object_name(args.names.instance, part)
        binding = serviceaccount.IAMMember(
            f"{name}-{part}-binding",
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=pulumi.Output.concat(
                "serviceAccount:", args.workload_pool, f"[{args.namespace}/{kubernetes_account}]"
            ),
            opts=pulumi.ResourceOptions(parent=self, hooks=args.apis.hooks, depends_on=args.apis.of("credentials")),
        )
        # Known once it can be used: whoever takes it from here starts after that.
        email = pulumi.Output.all(account.email, binding.id, *granted).apply(lambda known: str(known[0]))
        return Identity(service_account_annotations={ACCOUNT_ANNOTATION: email})

    def _database_client(
        self, name: str, access: DatabaseAccess, member: pulumi.Output[str], apis: Apis
    ) -> pulumi.Output[str]:
        """The right to connect to one server; Cloud SQL has roles of projects alone, so a condition names it."""
        server = pulumi.Output.concat(f"projects/{access.project}/instances/", access.server)
        made = projects.IAMMember(
            name,
            project=access.project,
            role="roles/cloudsql.client",
            member=member,
            condition=projects.IAMMemberConditionArgs(
                title="one server",
                expression=pulumi.Output.concat(
                    "resource.name == '", server, "' && resource.service == 'sqladmin.googleapis.com'"
                ),
            ),
            opts=pulumi.ResourceOptions(parent=self, hooks=apis.hooks, depends_on=apis.of("projects")),
        )
        return made.id
