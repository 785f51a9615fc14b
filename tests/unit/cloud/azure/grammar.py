"""The grammar of names on Azure."""

from __future__ import annotations

from typing import Final

from tests.unit.recording import recorder_azure
from tests.unit.recording.recorder import Registration

PATTERNS: Final = {
    "ManagedCluster": r"[a-zA-Z0-9]([-_a-zA-Z0-9]{0,61}[a-zA-Z0-9])?",
    "AgentPool": r"[a-z][a-z0-9]{0,11}",
    "Server": r"[a-z0-9]([-a-z0-9]{1,61}[a-z0-9])",
    "StorageAccount": r"[a-z0-9]{3,24}",
    "BlobContainer": r"[a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]",
    "FileShare": r"[a-z0-9](?!.*--)[-a-z0-9]{1,61}[a-z0-9]",
    "Registry": r"[a-zA-Z0-9]{5,50}",
    "Vault": r"[a-zA-Z](?!.*--)[-a-zA-Z0-9]{1,22}[a-zA-Z0-9]",
    "UserAssignedIdentity": r"[a-zA-Z0-9][-_a-zA-Z0-9]{2,127}",
    "FederatedIdentityCredential": r"[a-zA-Z0-9][-_a-zA-Z0-9]{2,119}",
    "ResourceGroup": r"[-\w._()]{0,89}[-\w_()]",
    "Workspace": r"[a-zA-Z0-9][-a-zA-Z0-9]{2,61}[a-zA-Z0-9]",
    "PrivateZone": r"([a-z0-9-]{1,63}\.){1,33}[a-z]{2,63}",
    "Configuration": r"[a-z0-9_.]+",
    "Database": r"[a-z][a-z0-9_]{0,62}",
    "MaintenanceConfiguration": r"aksManaged(AutoUpgrade|NodeOSUpgrade)Schedule",
    "Deployment": r"[-\w._()]{1,64}",
}
"""https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules"""
OTHERS: Final = r"[a-zA-Z0-9][-\w.]{0,61}[a-zA-Z0-9_]"
"""The strictest rule for names of virtual networks, subnets, addresses, disks and similar resources."""


def name_and_pattern(found: Registration) -> tuple[str, str] | None:
    """The name that a resource has on Azure, and what such names look like; None is a resource without a name."""
    key = recorder_azure.NAMES.get(found.type)
    return (found.plain[key], PATTERNS.get(found.kind, OTHERS)) if key is not None else None
