"""Workload identity: an Azure managed identity for each workload."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import managedidentity

from components.cloud.azure import role_assignments
from components.cloud.azure.scope import AzureScope
from components.cloud.ordering import after
from components.contract.cloud import Identity
from components.contract.requirements import CloudRequirements, LogStoreRequirement
from components.contract.workloads import Workload

AUDIENCE: Final = "api://AzureADTokenExchange"
"""Audience of a ServiceAccount's token, https://learn.microsoft.com/azure/aks/workload-identity-overview."""
CLIENT_ANNOTATION: Final = "azure.workload.identity/client-id"
TENANT_ANNOTATION: Final = "azure.workload.identity/tenant-id"
POD_LABELS: Final = {"azure.workload.identity/use": "true"}


def create_identity(
    name: str, scope: AzureScope, parts: Sequence[str], *, parent: pulumi.Resource
) -> managedidentity.UserAssignedIdentity:
    """A managed identity; `parts` are its purpose, as words of its name."""
    return managedidentity.UserAssignedIdentity(
        name,
        resource_name_=scope.names.physical_name(*parts),
        resource_group_name=scope.group,
        tags=scope.names.tags(),
        opts=pulumi.ResourceOptions(parent=parent),
    )


def create_federation(
    name: str,
    owner: managedidentity.UserAssignedIdentity,
    scope: AzureScope,
    *,
    physical_name: str,
    issuer: pulumi.Input[str],
    user: str,
    parent: pulumi.Resource,
) -> pulumi.Output[str]:
    """The URN of the permission of a Kubernetes ServiceAccount, NAMESPACE:NAME, to act as a managed identity."""
    return managedidentity.FederatedIdentityCredential(
        name,
        federated_identity_credential_resource_name=physical_name,
        resource_name_=owner.name,
        resource_group_name=scope.group,
        issuer=issuer,
        subject=f"system:serviceaccount:{user}",
        audiences=[AUDIENCE],
        opts=pulumi.ResourceOptions(parent=parent),
    ).urn


def identity(owner: managedidentity.UserAssignedIdentity, granted: Sequence[pulumi.Output[str]]) -> Identity:
    """The identity of an owner. It resolves after it has its roles and federations: consumers start after that."""
    return Identity(
        service_account_annotations={
            CLIENT_ANNOTATION: after(owner.client_id, granted),
            TENANT_ANNOTATION: owner.tenant_id,
        },
        pod_labels=POD_LABELS,
        principal=owner.principal_id,
    )


@dataclass(frozen=True, kw_only=True)
class LogAccess:
    """The workloads that write or read logs in a container."""

    container: pulumi.Input[str]
    roles: Mapping[Workload, str]
    """Role on the container, by workload."""


@dataclass(frozen=True, kw_only=True)
class SecretAccess:
    """The workloads that read the secrets of a vault."""

    vault: pulumi.Input[str]
    """Id of the vault."""
    workloads: Sequence[Workload]


@dataclass(frozen=True, kw_only=True)
class IdentitiesArgs:
    """Arguments of the identities."""

    scope: AzureScope
    requirements: CloudRequirements
    logs: LogAccess | None
    secrets: SecretAccess | None
    issuer: pulumi.Input[str]


class Identities(pulumi.ComponentResource):
    """One identity for each workload, with minimal roles, bound to exactly one Kubernetes ServiceAccount."""

    identities: dict[Workload, Identity]

    def __init__(self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Identities", name, None, opts)
        workloads: set[Workload] = {
            *args.requirements.cloud_identities,
            *(args.logs.roles if args.logs is not None else ()),
            *(args.secrets.workloads if args.secrets is not None else ()),
        }
        self.identities = {workload: self._identity(name, workload, args) for workload in sorted(workloads)}
        self.register_outputs({})

    def _identity(self, name: str, workload: Workload, args: IdentitiesArgs) -> Identity:
        scope, needed = args.scope, args.requirements
        owner = create_identity(f"{name}-{workload}", scope, [workload], parent=self)
        granted: list[pulumi.Output[str]] = []
        if args.logs is not None and workload in args.logs.roles:
            access = role_assignments.assigned(
                f"{name}-{workload}-role",
                subscription_id=scope.settings.subscription_id,
                role=args.logs.roles[workload],
                scope=args.logs.container,
                principal=owner.principal_id,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    # A lock on the account also prevents deletion of its role assignments,
                    # https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources. After the
                    # identity is deleted, the assignment has no owner; it is deleted with the account.
                    retain_on_delete=scope.protect,
                ),
            )
            granted.append(access.urn)
        if args.secrets is not None and workload in args.secrets.workloads:
            granted.append(
                role_assignments.assigned(
                    f"{name}-{workload}-secrets-role",
                    subscription_id=scope.settings.subscription_id,
                    role=role_assignments.SECRET_READER,
                    scope=args.secrets.vault,
                    principal=owner.principal_id,
                    opts=pulumi.ResourceOptions(parent=self),
                ).urn
            )
        federation = create_federation(
            f"{name}-{workload}-federation",
            owner,
            scope,
            physical_name=workload,
            issuer=args.issuer,
            user=f"{needed.namespace_of(workload)}:{needed.service_account(workload)}",
            parent=self,
        )
        return identity(owner, [*granted, federation])


def log_roles(logs: LogStoreRequirement) -> dict[Workload, str]:
    """The role that each workload needs on the container for logs."""
    return {
        **dict.fromkeys(logs.writers, role_assignments.LOG_WRITER),
        **dict.fromkeys(logs.readers, role_assignments.LOG_READER),
    }
