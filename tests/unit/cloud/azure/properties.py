"""The security properties of a stack on Azure, row by row, as production must and as dev may have them."""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Final

from tests.unit.cloud.properties import at_least, is_set, rows
from tests.unit.recording import recorder, stacks, stacks_azure
from tests.unit.recording.recorder import Recording


def one_of(*values: object) -> Any:
    return lambda value: value in values


def is_role_on_a_thing(scope: Any) -> bool:
    """Not on the subscription."""
    return isinstance(scope, str) and scope != "" and re.fullmatch("/subscriptions/[^/]*/?", scope) is None


def trusts_one_account(subject: Any) -> bool:
    kind, _, rest = str(subject).partition(":")
    return kind == "system" and len(rest.split(":")) == 3 and "*" not in rest


def lets_in_whom_it_names(rules: Any) -> bool:
    """A storage account's firewall: the nodes' subnet, the allowed ranges, and lifecycle management."""
    return rules["defaultAction"] == "Deny" and rules["bypass"] in ("AzureServices", "None")


ROWS: Final = (
    *rows(
        "A1",
        "ManagedCluster",
        ("disableLocalAccounts", True),
        ("aadProfile.managed", True),
        ("aadProfile.enableAzureRBAC", True),
        ("enableRBAC", True),
    ),
    *rows(
        "A2",
        "ManagedCluster",
        ("apiServerAccessProfile.authorizedIPRanges", ["198.18.0.0/24", "203.0.113.11/32"], None),
        ("apiServerAccessProfile.disableRunCommand", True),
    ),
    *rows(
        "A3",
        "ManagedCluster",
        ("oidcIssuerProfile.enabled", True),
        ("securityProfile.workloadIdentity.enabled", True),
    ),
    *rows("A4", "ManagedCluster", ("identity.type", "UserAssigned"), ("servicePrincipalProfile", None)),
    *rows(
        "A5",
        "ManagedCluster",
        ("networkProfile.networkPlugin", "azure"),
        ("networkProfile.networkPluginMode", "overlay"),
        ("networkProfile.networkDataplane", "cilium"),
        ("networkProfile.networkPolicy", "cilium"),
    ),
    *rows("A6", "ManagedCluster", ("networkProfile.outboundType", "userAssignedNATGateway", "loadBalancer")),
    *rows("A7", "ManagedCluster", ("sku.tier", "Standard", "Free")),
    *rows(
        "A9",
        "ManagedCluster",
        ("autoUpgradeProfile.upgradeChannel", one_of("patch", "stable")),
        ("autoUpgradeProfile.nodeOSUpgradeChannel", one_of("NodeImage", "SecurityPatch")),
    ),
    *rows("A9", "MaintenanceConfiguration", ("maintenanceWindow.schedule.weekly.dayOfWeek", "Saturday")),
    *rows("A13", "ManagedCluster", ("addonProfiles.azurepolicy.enabled", True, False)),
    *rows("A13", "ManagedCluster", ("securityProfile.imageCleaner.enabled", True)),
    *rows("A14", "ManagedCluster", ("addonProfiles.azureKeyvaultSecretsProvider", None)),
    *rows("A15", "ManagedCluster", ("nodeResourceGroupProfile.restrictionLevel", "ReadOnly")),
    *rows("A16", "Subnet", ("networkSecurityGroup.id", is_set)),
    *rows("P1", "Server", ("highAvailability.mode", "ZoneRedundant", "Disabled")),
    *rows(
        "P2",
        "Server",
        ("network.publicNetworkAccess", "Disabled"),
        ("network.delegatedSubnetResourceId", is_set),
        ("network.privateDnsZoneArmResourceId", is_set),
    ),
    *rows(
        "P3",
        "Server",
        ("backup.backupRetentionDays", at_least(14), 7),
        ("backup.geoRedundantBackup", "Enabled", "Disabled"),
    ),
    *rows(
        "P4",
        "Server",
        ("authConfig.activeDirectoryAuth", "Enabled"),
        ("authConfig.passwordAuth", "Enabled"),
    ),
    *rows(
        "P5",
        "Server",
        ("storage.autoGrow", "Enabled"),
        ("sku.tier", "GeneralPurpose", "Burstable"),
    ),
    *rows("P7", "Server", ("maintenanceWindow.customWindow", "Enabled")),
    *rows(
        "T1",
        "StorageAccount",
        ("allowBlobPublicAccess", False),
        ("minimumTlsVersion", "TLS1_2"),
        ("allowCrossTenantReplication", False),
        ("isLocalUserEnabled", False),
    ),
    *rows(
        "T2",
        "StorageAccount",
        ("publicNetworkAccess", "Disabled", "Enabled"),
        ("networkRuleSet", lets_in_whom_it_names),
    ),
    *rows("T3", "StorageAccount", ("sku.name", one_of("Standard_ZRS", "Premium_ZRS"), "Standard_LRS")),
    *rows(
        "T4",
        "BlobServiceProperties",
        ("deleteRetentionPolicy.enabled", True),
        ("containerDeleteRetentionPolicy.enabled", True),
        ("isVersioningEnabled", True, False),
    ),
    *rows("T4", "FileServiceProperties", ("shareDeleteRetentionPolicy.enabled", True)),
    *rows("T4", "ManagementPolicy", ("policy.rules", lambda found: [rule["enabled"] for rule in found] == [True])),
    *rows("T5", "BlobContainer", ("publicAccess", "None")),
    *rows("T8", "RoleAssignment", ("principalType", is_set), ("scope", is_role_on_a_thing)),
    *rows(
        "T9",
        "FederatedIdentityCredential",
        ("subject", trusts_one_account),
        ("audiences", ["api://AzureADTokenExchange"]),
        ("issuer", is_set),
    ),
)
"""Properties of every resource of a type in each stack."""

POOLS: Final = (
    ("A8", "availabilityZones", ["1", "2", "3"], ["1"]),
    ("A10", "enableNodePublicIP", False, False),
    ("A10", "osDiskType", "Ephemeral", "Ephemeral"),
    ("A10", "securityProfile", {"enableSecureBoot": True, "enableVTPM": True}, ...),
    ("A11", "osSKU", "AzureLinux", ...),
    ("A11", "maxPods", 110, ...),
)
"""What every pool has, the cluster's first one as well: reference, input, value in production, value in dev; `...` is
the same."""
PARAMETERS: Final[dict[str, str]] = {}
"""P6: the other requirements are defaults of every server, such as TLS 1.2 or later."""
PRODUCTION_PARAMETERS: Final = {"connection_throttle.enable": "on", "log_statement": "ddl"}
"""P6."""

DIFFERENT: Final = {
    "A10": "Encryption at host is an option, off in Pulumi.prod.yaml: a subscription must have the feature registered,"
    " which takes a command and minutes, and without it no node is made. SSH to nodes is not switched off: the service"
    " refuses that property, and nodes have no public address.",
    "A11": "Azure Linux by its lasting name, whose version comes with Kubernetes; Ubuntu is not offered: its newest"
    " version is not in the SDK's list.",
    "A12": "The cluster's audit log is kept, by option. Metrics of nodes are not: Azure takes them by collection rules"
    " that belong to a workspace of whoever watches.",
    "A14": "Nothing is read from a Key Vault: secrets are made with the stack and lie in its state.",
    "A16": "The database's subnet has no word on default outbound access: it is delegated, and its service's own.",
    "P4": "Airflow logs in by password: its connections are URLs. Identities of Entra may be added beside it.",
    "P6": "Statements are audited by PostgreSQL itself: the extension pgaudit takes a restart, which no resource does.",
    "T2": "Private endpoints are an option, and on in Pulumi.prod.yaml. Without them accounts have public addresses"
    " that answer the nodes' subnet, and ranges that settings list, and nobody else.",
    "T5": "Shares by NFS are exported without root squash, to the nodes' subnet alone: their driver makes the folder"
    " writable for the group of the pods as the nodes' root. No pod is ever root.",
    "T6": "There is no Key Vault: secrets are made with the stack and lie in its state.",
    "T8": "The role of whoever creates the stack, and the right to list addresses, are on its resource group: they"
    " begin before the cluster, or have no narrower place.",
}
"""Rows that are fulfilled in another way, with the reason."""

SHARE: Final = {"airflow:dags": [{"kind": "share", "size_gib": 100}]}


@cache
def production() -> Recording:
    """The project's own stack file, with an additional share."""
    recording = recorder.run({**stacks_azure.STACKS["azure, stack file prod"], **SHARE})
    assert recording.error is None, recording.error
    return recording


def dev() -> Recording:
    return stacks.recorded("azure, sample celery")
