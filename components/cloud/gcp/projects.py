"""Projects on Google Cloud: a bucket and a service account for each, without access to those of other projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import serviceaccount, storage

from components.cloud.gcp.identity import ACCOUNT_ANNOTATION, WRITER
from components.cloud.gcp.names import ACCOUNT_MAX
from components.cloud.gcp.scope import GcpScope
from components.cloud.gcp.storage import SECONDS_PER_DAY, UNDELETE_DAYS
from components.cloud.ordering import after
from components.contract.cloud import Identity, ObjectStore, ProjectAccess
from components.contract.requirements import ProjectRequirement


@dataclass(frozen=True, kw_only=True)
class ProjectsArgs:
    """Arguments of the projects."""

    scope: GcpScope
    projects: Sequence[ProjectRequirement]
    workload_pool: pulumi.Input[str]
    log_bucket: pulumi.Input[str] | None
    """The bucket for task logs; None without one."""


class Projects(pulumi.ComponentResource):
    """The buckets and service accounts of projects, each bound to exactly the project's Kubernetes ServiceAccount."""

    projects: dict[str, ProjectAccess]

    def __init__(self, name: str, args: ProjectsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:gcp:Projects", name, None, opts)
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self, hooks=args.scope.apis.hooks)
        self.projects = {project.name: self._access(f"{name}-{project.name}", project) for project in args.projects}
        self.register_outputs({})

    def _access(self, name: str, project: ProjectRequirement) -> ProjectAccess:
        scope = self._args.scope
        account = serviceaccount.Account(
            f"{name}-account",
            account_id=scope.names.physical_name("project", project.name, limit=ACCOUNT_MAX),
            display_name=f"project {project.name} of {scope.names.instance}",
            opts=pulumi.ResourceOptions(parent=self, hooks=scope.apis.hooks, depends_on=scope.apis.of("iam")),
        )
        member = pulumi.Output.concat("serviceAccount:", account.email)
        bucket = self._bucket(name, project.name) if project.bucket else None
        granted: list[pulumi.Output[str]] = []
        if bucket is not None:
            granted.append(self._grant(f"{name}-data-access", bucket.name, member))
        if project.writes_logs and self._args.log_bucket is not None:
            granted.append(self._grant(f"{name}-log-access", self._args.log_bucket, member))
        for namespace in project.namespaces:
            binding = serviceaccount.IAMMember(
                f"{name}-{namespace}-binding",
                service_account_id=account.name,
                role="roles/iam.workloadIdentityUser",
                member=pulumi.Output.concat(
                    "serviceAccount:", self._args.workload_pool, f"[{namespace}/{project.name}]"
                ),
                opts=pulumi.ResourceOptions(
                    parent=self, hooks=scope.apis.hooks, depends_on=scope.apis.of("credentials")
                ),
            )
            granted.append(binding.id)
        return ProjectAccess(
            # Resolves after the account has its roles: consumers start after that.
            identity=Identity(service_account_annotations={ACCOUNT_ANNOTATION: after(account.email, granted)}),
            data=ObjectStore(protocol="gs", url=pulumi.Output.concat("gs://", bucket.name))
            if bucket is not None
            else None,
        )

    def _bucket(self, name: str, project: str) -> storage.Bucket:
        scope = self._args.scope
        # In state as "<name>-bucket": renaming loses the project's data.
        return storage.Bucket(
            f"{name}-bucket",
            name=scope.names.physical_name("data", project),
            location=scope.settings.region.upper(),
            uniform_bucket_level_access=True,
            public_access_prevention="enforced",
            soft_delete_policy=storage.BucketSoftDeletePolicyArgs(
                retention_duration_seconds=UNDELETE_DAYS * SECONDS_PER_DAY if scope.protect else 0
            ),
            force_destroy=not scope.protect,
            labels={**scope.names.labels(), "project": project},
            opts=pulumi.ResourceOptions(
                parent=self, hooks=scope.apis.hooks, protect=scope.protect, depends_on=scope.apis.of("storage")
            ),
        )

    def _grant(self, name: str, bucket: pulumi.Input[str], member: pulumi.Output[str]) -> pulumi.Output[str]:
        """The id of the permission to read and write the objects of a bucket."""
        return storage.BucketIAMMember(name, bucket=bucket, role=WRITER, member=member, opts=self._child).id
