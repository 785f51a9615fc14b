"""Projects on Google Cloud: a bucket and a service account for each, without access to those of other projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_gcp import storage

from components.cloud.gcp.identity import WRITER, create_account, create_binding, identity, principal
from components.cloud.gcp.scope import GcpScope
from components.cloud.gcp.storage import create_bucket
from components.contract.cloud import ObjectStore, ProjectAccess
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
        account = create_account(f"{name}-account", scope, ["project", project.name], parent=self)
        member = principal(account)
        bucket = self._bucket(name, project.name) if project.bucket else None
        granted: list[pulumi.Output[str]] = []
        if bucket is not None:
            granted.append(self._grant(f"{name}-data-access", bucket.name, member))
        if project.writes_logs and self._args.log_bucket is not None:
            granted.append(self._grant(f"{name}-log-access", self._args.log_bucket, member))
        granted += [
            create_binding(
                f"{name}-{namespace}-binding",
                account,
                scope,
                pool=self._args.workload_pool,
                user=f"{namespace}/{project.name}",
                parent=self,
            )
            for namespace in project.namespaces
        ]
        return ProjectAccess(
            identity=identity(account, granted),
            data=ObjectStore(protocol="gs", url=pulumi.Output.concat("gs://", bucket.name))
            if bucket is not None
            else None,
        )

    def _bucket(self, name: str, project: str) -> storage.Bucket:
        scope = self._args.scope
        # In state as "<name>-bucket": renaming loses the project's data.
        return create_bucket(
            f"{name}-bucket",
            scope,
            scope.names.physical_name("data", project),
            parent=self,
            labels={"project": project},
        )

    def _grant(self, name: str, bucket: pulumi.Input[str], member: pulumi.Output[str]) -> pulumi.Output[str]:
        """The id of the permission to read and write the objects of a bucket."""
        return storage.BucketIAMMember(name, bucket=bucket, role=WRITER, member=member, opts=self._child).id
