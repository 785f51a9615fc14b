"""Projects on Azure: a container and a managed identity for each, without access to those of other projects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import managedidentity, storage

from components.cloud.azure import role_assignments
from components.cloud.azure.accounts import AccountArgs, create_blob_account
from components.cloud.azure.identity import create_federation, create_identity, identity
from components.cloud.azure.storage import BLOB_ZONE
from components.contract.cloud import ObjectStore, ProjectAccess
from components.contract.requirements import ProjectRequirement

FEDERATION_MAX: Final = 120
"""Characters in the name of a federated credential,
https://learn.microsoft.com/graph/api/resources/federatedidentitycredentials-overview."""


@dataclass(frozen=True, kw_only=True)
class ProjectsArgs:
    """Arguments of the projects."""

    account: AccountArgs
    projects: Sequence[ProjectRequirement]
    issuer: pulumi.Input[str]
    log_container: pulumi.Input[str] | None
    """Id of the container for task logs; None without one."""
    blob_zone: pulumi.Output[str] | None
    """Id of the private DNS zone of blob endpoints that the log store created; None if there is none yet."""


class Projects(pulumi.ComponentResource):
    """A storage account without keys, with a container for each project with data, and the identities of projects."""

    projects: dict[str, ProjectAccess]
    account_id: pulumi.Output[str] | None
    """The storage account; None if no project has data in it."""

    def __init__(self, name: str, args: ProjectsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Projects", name, None, opts)
        self._name, self._args = name, args
        self._scope = args.account.scope
        account: storage.StorageAccount | None = None
        if any(project.bucket for project in args.projects):
            # In state as "<name>-account": renaming loses the data of all projects.
            account, _ = create_blob_account(name, args.account, use="data", lifecycle=False, parent=self)
        self.account_id = account.id if account is not None else None
        reachable = self._create_endpoint(account) if account is not None else []
        self.projects = {
            project.name: self._access(f"{name}-{project.name}", project, account, reachable)
            for project in args.projects
        }
        self.register_outputs({})

    def _create_endpoint(self, account: storage.StorageAccount) -> list[pulumi.Output[str]]:
        network = self._args.account.network
        if network.endpoints is None:
            return []
        zone = self._args.blob_zone
        if zone is None:
            zone = network.zone(f"{self._name}-blob", BLOB_ZONE)
        return [network.endpoint(f"{self._name}-blob", of=account.id, service="blob", zone=zone).urn]

    def _access(
        self,
        name: str,
        project: ProjectRequirement,
        account: storage.StorageAccount | None,
        reachable: Sequence[pulumi.Output[str]],
    ) -> ProjectAccess:
        scope = self._scope
        owner = create_identity(f"{name}-identity", scope, ["project", project.name], parent=self)
        granted: list[pulumi.Output[str]] = [*reachable]
        data = None
        if project.bucket:
            assert account is not None, "the account exists with the first project that has data"
            container = self._container(name, project.name, account)
            granted.append(self._grant(f"{name}-data-role", container.id, owner))
            # fsspec's adlfs takes a login from the environment only if it is told that access is not anonymous.
            data = ObjectStore(
                protocol="abfs",
                url=pulumi.Output.concat("abfs://", container.name),
                options={"account_name": account.name, "anon": False},
            )
        if project.writes_logs and self._args.log_container is not None:
            granted.append(self._grant(f"{name}-log-role", self._args.log_container, owner))
        granted += [
            create_federation(
                f"{name}-{namespace}-federation",
                owner,
                scope,
                physical_name=f"{project.name}-{namespace}"[:FEDERATION_MAX],
                issuer=self._args.issuer,
                user=f"{namespace}:{project.name}",
                parent=self,
            )
            for namespace in project.namespaces
        ]
        return ProjectAccess(identity=identity(owner, granted), data=data)

    def _container(self, name: str, project: str, account: storage.StorageAccount) -> storage.BlobContainer:
        # In state as "<name>-container": renaming loses the project's data.
        return storage.BlobContainer(
            f"{name}-container",
            # Containers have names of at least three characters,
            # https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata.
            container_name=f"data-{project}",
            account_name=account.name,
            resource_group_name=self._scope.group,
            public_access=storage.PublicAccess.NONE,
            opts=pulumi.ResourceOptions(parent=self, protect=self._scope.protect),
        )

    def _grant(
        self, name: str, container: pulumi.Input[str], owner: managedidentity.UserAssignedIdentity
    ) -> pulumi.Output[str]:
        """The URN of the permission to read and write the blobs of a container."""
        return role_assignments.assigned(
            name,
            subscription_id=self._scope.settings.subscription_id,
            role=role_assignments.LOG_WRITER,
            scope=container,
            principal=owner.principal_id,
            # The lock on the account also prevents deletion of its role assignments, see identity.py.
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=self._scope.protect),
        ).urn
