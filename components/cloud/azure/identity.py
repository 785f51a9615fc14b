"""Workload identity: an Azure managed identity for each workload."""

from __future__ import annotations

from collections.abc import Mapping
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


@dataclass(frozen=True, kw_only=True)
class IdentitiesArgs:
    """Arguments of the identities."""

    scope: AzureScope
    requirements: CloudRequirements
    roles: Mapping[Workload, str]
    """Role on the log container, by workload."""
    container: pulumi.Input[str]
    issuer: pulumi.Input[str]


class Identities(pulumi.ComponentResource):
    """One identity for each workload, with a role on one container, bound to exactly one Kubernetes ServiceAccount."""

    identities: dict[Workload, Identity]

    def __init__(self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Identities", name, None, opts)
        self.identities = {
            workload: self._identity(name, workload, role, args) for workload, role in args.roles.items()
        }
        self.register_outputs({})

    def _identity(self, name: str, workload: Workload, role: str, args: IdentitiesArgs) -> Identity:
        child, scope = pulumi.ResourceOptions(parent=self), args.scope
        identity = managedidentity.UserAssignedIdentity(
            f"{name}-{workload}",
            resource_name_=scope.names.physical_name(workload),
            resource_group_name=scope.group,
            tags=scope.names.tags(),
            opts=child,
        )
        access = role_assignments.assigned(
            f"{name}-{workload}-role",
            subscription_id=scope.settings.subscription_id,
            role=role,
            scope=args.container,
            principal=identity.principal_id,
            opts=pulumi.ResourceOptions(
                parent=self,
                # A lock on the account also prevents deletion of its role assignments,
                # https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources. After the identity
                # is deleted, the assignment has no owner; it is deleted with the account.
                retain_on_delete=scope.protect,
            ),
        )
        needed = args.requirements
        federation = managedidentity.FederatedIdentityCredential(
            f"{name}-{workload}-federation",
            federated_identity_credential_resource_name=workload,
            resource_name_=identity.name,
            resource_group_name=scope.group,
            issuer=args.issuer,
            subject=f"system:serviceaccount:{needed.namespace_of(workload)}:{needed.service_account(workload)}",
            audiences=[AUDIENCE],
            opts=child,
        )
        return Identity(
            service_account_annotations={
                # Resolves after the identity has its role and federation: consumers start after that.
                CLIENT_ANNOTATION: after(identity.client_id, [access.urn, federation.urn]),
                TENANT_ANNOTATION: identity.tenant_id,
            },
            pod_labels=POD_LABELS,
        )


def log_roles(logs: LogStoreRequirement) -> dict[Workload, str]:
    """The role that each workload needs on the container for logs."""
    return {
        **dict.fromkeys(logs.writers, role_assignments.LOG_WRITER),
        **dict.fromkeys(logs.readers, role_assignments.LOG_READER),
    }
