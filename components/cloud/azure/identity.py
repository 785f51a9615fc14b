"""Who the parts of Airflow are in Azure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
from pulumi_azure_native import managedidentity

from components.cloud.azure import role_assignments
from components.cloud.azure.names import Names
from components.cloud.ordering import after
from components.contract.cloud import LOG_READERS, LOG_WRITERS, Identity
from components.kubernetes import naming

AUDIENCE: Final = "api://AzureADTokenExchange"
"""What a ServiceAccount's token must be for, https://learn.microsoft.com/azure/aks/workload-identity-overview."""
CLIENT_ANNOTATION: Final = "azure.workload.identity/client-id"
TENANT_ANNOTATION: Final = "azure.workload.identity/tenant-id"
POD_LABELS: Final = {"azure.workload.identity/use": "true"}


@dataclass(frozen=True, kw_only=True)
class IdentitiesArgs:
    """What the identities are built from."""

    names: Names
    group: pulumi.Input[str]
    subscription_id: str
    namespace: str
    parts: Mapping[str, str]
    """Role on the container by part of Airflow."""
    container: pulumi.Input[str]
    issuer: pulumi.Input[str]
    protect: bool
    """Whether a lock keeps the account that the container is in."""


class Identities(pulumi.ComponentResource):
    """One identity for each part, with a role on one container, used by exactly one Kubernetes ServiceAccount."""

    identities: dict[str, Identity]

    def __init__(self, name: str, args: IdentitiesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("airflow:azure:Identities", name, None, opts)
        self.identities = {part: self._identity(name, part, role, args) for part, role in args.parts.items()}
        self.register_outputs({})

    def _identity(self, name: str, part: str, role: str, args: IdentitiesArgs) -> Identity:
        child = pulumi.ResourceOptions(parent=self)
        identity = managedidentity.UserAssignedIdentity(
            f"{name}-{part}",
            resource_name_=args.names.of(part),
            resource_group_name=args.group,
            tags=args.names.tags(),
            opts=child,
        )
        access = role_assignments.assigned(
            f"{name}-{part}-role",
            subscription_id=args.subscription_id,
            role=role,
            scope=args.container,
            principal=identity.principal_id,
            opts=pulumi.ResourceOptions(
                parent=self,
                # A lock on the account keeps roles in it from being deleted, too,
                # https://learn.microsoft.com/azure/azure-resource-manager/management/lock-resources. When the identity
                # is gone the role is nobody's; it goes with the account.
                retain_on_delete=args.protect,
            ),
        )
        account = naming.object_name(args.names.instance, part)
        federation = managedidentity.FederatedIdentityCredential(
            f"{name}-{part}-federation",
            federated_identity_credential_resource_name=part,
            resource_name_=identity.name,
            resource_group_name=args.group,
            issuer=args.issuer,
            subject=f"system:serviceaccount:{args.namespace}:{account}",
            audiences=[AUDIENCE],
            opts=child,
        )
        return Identity(
            service_account_annotations={
                # Known once it can be used: whoever takes it from here starts after that.
                CLIENT_ANNOTATION: after(identity.client_id, [access, federation]),
                TENANT_ANNOTATION: identity.tenant_id,
            },
            pod_labels=POD_LABELS,
        )


def log_roles(*, workers: bool, task_pods: bool) -> dict[str, str]:
    """The role that each part of an installation needs on the container for logs."""
    absent = {"worker": not workers, "task": not task_pods}
    return {
        **{part: role_assignments.LOG_WRITER for part in LOG_WRITERS if not absent.get(part)},
        **dict.fromkeys(LOG_READERS, role_assignments.LOG_READER),
    }
