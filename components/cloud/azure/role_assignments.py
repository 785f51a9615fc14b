"""Role assignments in Azure, with the ids of built-in roles."""

from __future__ import annotations

from typing import Final

import pulumi
from pulumi_azure_native import authorization

CLUSTER_ADMIN: Final = "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
"""Azure Kubernetes Service RBAC Cluster Admin."""
DISK_USER: Final = "b50d9833-a0cb-478e-945f-707fcc997c13"
"""Disk Restore Operator: the narrowest role that reads and writes disks, which is needed to attach a disk."""
IMAGE_PULLER: Final = "7f951dda-4ed3-4680-a7ca-43fe172d538d"
"""AcrPull."""
LOG_READER: Final = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
"""Storage Blob Data Reader."""
SECRET_READER: Final = "4633458b-17de-408a-b874-0445c86b69e6"  # noqa: S105 - the id of a role
"""Key Vault Secrets User."""
LOG_WRITER: Final = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
"""Storage Blob Data Contributor."""
NETWORK_USER: Final = "4d97b98b-1d4f-4787-a291-c67834d212e7"
"""Network Contributor."""
READER: Final = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
"""Reader."""
# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles

USER_APPLICATIONS: Final = frozenset(
    {
        "04b07795-8ddb-461a-bbee-02f9e1bf7b46",  # Azure CLI, and the Azure Developer CLI
        "1950a258-227b-4e31-a9cf-717495945fc2",  # Azure PowerShell
        "872cd9fa-d31f-45e0-9eab-6e460a02d1f1",  # Visual Studio
        "aebc6443-996d-45c2-90f0-388ff96faa56",  # Visual Studio Code
        "b677c290-cf4b-4a8e-a60e-91ba650a4abe",  # Cloud Shell, in the portal
    }
)
"""Microsoft's applications for user logins; pipelines log in as their own applications,
https://learn.microsoft.com/troubleshoot/entra/entra-id/governance/verify-first-party-apps-sign-in."""


def principal_type(application: str) -> str:
    """The principal type of a login with this application: User or ServicePrincipal."""
    return "User" if application in USER_APPLICATIONS else "ServicePrincipal"


def definition(subscription_id: str, role: str) -> str:
    """The id of a role definition, in the form that assignments use."""
    return f"/subscriptions/{subscription_id}/providers/Microsoft.Authorization/roleDefinitions/{role}"


def assigned(
    name: str,
    *,
    subscription_id: str,
    role: str,
    scope: pulumi.Input[str],
    principal: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> authorization.RoleAssignment:
    """A role of an identity on one scope. The engine generates its name, which must be a UUID."""
    return authorization.RoleAssignment(
        name,
        role_definition_id=definition(subscription_id, role),
        scope=scope,
        principal_id=principal,
        # Without its type, an identity that was just created is not found.
        principal_type="ServicePrincipal",
        opts=opts,
    )


def of_operator(
    name: str,
    *,
    subscription_id: str,
    role: str,
    scope: pulumi.Input[str],
    operator: pulumi.Output[authorization.GetClientConfigResult],
    opts: pulumi.ResourceOptions,
) -> authorization.RoleAssignment:
    """A role of the login that creates the stack. It stays with it when a different login runs the next update."""
    return authorization.RoleAssignment(
        name,
        role_definition_id=definition(subscription_id, role),
        scope=scope,
        principal_id=operator.object_id,
        # A wrong type is refused (UnmatchedPrincipalType), and it cannot be omitted: the SDK sets "User".
        principal_type=operator.client_id.apply(principal_type),
        opts=pulumi.ResourceOptions(
            parent=opts.parent, provider=opts.provider, ignore_changes=["principalId", "principalType"]
        ),
    )
