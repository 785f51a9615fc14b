"""Who the parts of Airflow are in Google Cloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_gcp import serviceaccount, storage

from components import naming
from components.cloud.gcp.apis import Apis
from components.cloud.gcp.physical import ACCOUNT_MAX, Names
from components.cloud.interface import LOG_READERS, LOG_WRITERS, Identity

WRITER: Final = "roles/storage.objectUser"
"""Reads, writes and replaces objects; changes no rights."""
READER: Final = "roles/storage.objectViewer"
ACCOUNT_ANNOTATION: Final = "iam.gke.io/gcp-service-account"


@dataclass(frozen=True, kw_only=True)
class IdentitiesArgs:
    """What the identities are built from."""

    names: Names
    apis: Apis
    namespace: str
    parts: Mapping[str, str]
    """Role on the bucket by part of Airflow."""
    bucket: pulumi.Input[str]
    workload_pool: pulumi.Input[str]


class Identities(pulumi.ComponentResource):
    """One service account for each part, with a role on one bucket, used by exactly one Kubernetes ServiceAccount."""

    identities: dict[str, Identity]

    def __init__(self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Identities", name, None, opts)
        self.identities = {part: self._identity(name, part, role, args) for part, role in args.parts.items()}
        self.register_outputs({})

    def _identity(self, name: str, part: str, role: str, args: IdentitiesArgs) -> Identity:
        child = pulumi.ResourceOptions(parent=self)
        account = serviceaccount.Account(
            f"{name}-{part}",
            account_id=args.names.of(part, limit=ACCOUNT_MAX),
            display_name=f"{part} of {args.names.instance}",
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.apis.of("iam")),
        )
        access = storage.BucketIAMMember(
            f"{name}-{part}-access",
            bucket=args.bucket,
            role=role,
            member=pulumi.Output.concat("serviceAccount:", account.email),
            opts=child,
        )
        kubernetes_account = naming.object_name(args.names.instance, part)
        binding = serviceaccount.IAMMember(
            f"{name}-{part}-binding",
            service_account_id=account.name,
            role="roles/iam.workloadIdentityUser",
            member=pulumi.Output.concat(
                "serviceAccount:", args.workload_pool, f"[{args.namespace}/{kubernetes_account}]"
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=args.apis.of("credentials")),
        )
        # Known once it can be used: whoever takes it from here starts after that.
        email = pulumi.Output.all(account.email, access.id, binding.id).apply(lambda known: str(known[0]))
        return Identity(service_account_annotations={ACCOUNT_ANNOTATION: email})


def log_roles(*, workers: bool, task_pods: bool) -> dict[str, str]:
    """The role that each part of an installation needs on the bucket for logs."""
    absent = {"worker": not workers, "task": not task_pods}
    return {
        **{part: WRITER for part in LOG_WRITERS if not absent.get(part)},
        **dict.fromkeys(LOG_READERS, READER),
    }
