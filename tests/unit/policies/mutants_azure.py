"""Mutants of the rules for Azure."""

from __future__ import annotations

from typing import Any, Final

from policies.rules.azure_cluster import CLUSTER, DIAGNOSTICS, MAINTENANCE, POOL, POOLS
from policies.rules.azure_database import FIREWALL, PARAMETER, SERVER
from policies.rules.azure_network import (
    ACCESS_ADMINISTRATOR,
    ADDRESS,
    FEDERATION,
    GROUP,
    OWNER,
    ROLE,
    SECURITY_RULE,
    SUBNET,
)
from policies.rules.azure_storage import ACCOUNT, BLOBS, CONTAINER, EXPIRY, FILES, LOCKS
from policies.rules.protection import AZURE_TAGS
from tests.unit.policies.mutants import REMOVED, Mutant, of

WORLD: Final = "0.0.0.0/0"
API: Final = "apiServerAccessProfile"
FIRST: Final = f"{POOLS}[0]"
DEFINITION: Final = "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions"
KEYVAULT: Final = {"azureKeyvaultSecretsProvider": {"enabled": True, "config": {"enableSecretRotation": "false"}}}
OPEN: Final = {
    "name": "open",
    "access": "Allow",
    "direction": "Inbound",
    "sourceAddressPrefix": "Internet",
    "destinationPortRange": "22",
}


def pools(path: str, *values: Any) -> list[Mutant]:
    """A change of the pool in the cluster, and of another pool."""
    return [
        mutant for value in values for mutant in (Mutant(CLUSTER, f"{FIRST}.{path}", value), Mutant(POOL, path, value))
    ]


MUTANTS: Final[dict[str, list[Mutant]]] = {
    "aks-entra-login": of(
        CLUSTER,
        ("disableLocalAccounts", False),
        ("aadProfile.managed", REMOVED),
        ("aadProfile.enableAzureRBAC", False),
        ("enableRBAC", False),
    ),
    "aks-api-ranges": of(CLUSTER, (f"{API}.authorizedIPRanges", REMOVED), (f"{API}.authorizedIPRanges", [])),
    "aks-api-open-range": of(
        CLUSTER, (f"{API}.authorizedIPRanges", ["8.20.0.0/24", WORLD]), (f"{API}.disableRunCommand", False)
    ),
    "aks-workload-identity": of(
        CLUSTER, ("oidcIssuerProfile.enabled", False), ("securityProfile.workloadIdentity", REMOVED)
    ),
    "aks-managed-identity": of(
        CLUSTER, ("identity.type", "None"), ("servicePrincipalProfile", {"clientId": "x", "secret": "s3cret"})
    ),
    "aks-network-policy": of(
        CLUSTER,
        ("networkProfile.networkPlugin", "kubenet"),
        ("networkProfile.networkPluginMode", REMOVED),
        ("networkProfile.networkDataplane", "azure"),
        ("networkProfile.networkPolicy", "none"),
    ),
    "aks-keyvault-rotation": of(CLUSTER, ("addonProfiles", KEYVAULT)),
    "aks-node-resource-group": of(CLUSTER, ("nodeResourceGroupProfile.restrictionLevel", "Unrestricted")),
    "aks-fixed-egress": of(CLUSTER, ("networkProfile.outboundType", "loadBalancer")),
    "aks-tier": of(CLUSTER, ("sku.tier", "Free")),
    "aks-zones": pools("availabilityZones", ["1"], REMOVED),
    "aks-system-pool": of(CLUSTER, (f"{FIRST}.minCount", 1), (f"{FIRST}.nodeTaints", REMOVED)),
    "aks-upgrade-channel": of(CLUSTER, ("autoUpgradeProfile.upgradeChannel", "rapid")),
    "aks-node-upgrades": of(CLUSTER, ("autoUpgradeProfile.nodeOSUpgradeChannel", "None")),
    "aks-maintenance-window": [
        Mutant(MAINTENANCE, missing=True),
        Mutant(MAINTENANCE, missing=True, name="-nodes-maintenance"),
    ],
    "aks-private-nodes": pools("enableNodePublicIP", True),
    "aks-trusted-launch": [
        *pools("securityProfile.enableSecureBoot", False),
        *pools("securityProfile.enableVTPM", False),
    ],
    "aks-ephemeral-disks": pools("osDiskType", "Managed"),
    "aks-encryption-at-host": pools("enableEncryptionAtHost", False),
    "aks-node-system": [*pools("osSKU", "CBLMariner"), *pools("maxPods", 30)],
    "aks-audit": [
        Mutant(DIAGNOSTICS, missing=True, name="audit-setting"),
        Mutant(DIAGNOSTICS, "logs[0].enabled", False, name="audit-setting"),
    ],
    "aks-azure-policy": of(CLUSTER, ("addonProfiles.azurepolicy.enabled", False)),
    "aks-image-cleaner": of(CLUSTER, ("securityProfile.imageCleaner.enabled", False)),
    "postgres-standby": of(SERVER, ("highAvailability.mode", "Disabled")),
    "postgres-zone-redundancy": of(SERVER, ("highAvailability.mode", "SameZone")),
    "postgres-private-address": [
        *of(
            SERVER,
            ("network.publicNetworkAccess", "Enabled"),
            ("network.delegatedSubnetResourceId", REMOVED),
            ("network.privateDnsZoneArmResourceId", REMOVED),
        ),
        Mutant(FIREWALL, own={"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}),
    ],
    "postgres-backup-retention": of(SERVER, ("backup.backupRetentionDays", 7)),
    "postgres-geo-backup": of(SERVER, ("backup.geoRedundantBackup", "Disabled")),
    "postgres-entra-login": of(SERVER, ("authConfig.activeDirectoryAuth", "Disabled")),
    "postgres-disk-growth": of(SERVER, ("storage.autoGrow", "Disabled")),
    "postgres-steady-machine": of(SERVER, ("sku.tier", "Burstable")),
    "postgres-tls": [
        Mutant(PARAMETER, own={"configurationName": "require_secure_transport", "value": "off"}),
        Mutant(PARAMETER, own={"configurationName": "ssl_min_protocol_version", "value": "TLSv1.1"}),
        Mutant(PARAMETER, own={"name": "require_secure_transport", "value": "off"}),
    ],
    "postgres-audit": [
        Mutant(DIAGNOSTICS, missing=True, name="audit-database-setting"),
        Mutant(DIAGNOSTICS, "logs[0].enabled", False, name="audit-database-setting"),
        Mutant(PARAMETER, "value", "off", name="connection-throttle"),
    ],
    "postgres-maintenance-window": of(SERVER, ("maintenanceWindow", REMOVED)),
    "azure-subnet-rules": of(SUBNET, ("networkSecurityGroup", REMOVED)),
    "azure-default-outbound": of(SUBNET, ("defaultOutboundAccess", REMOVED), name="nodes-subnet"),
    "azure-open-ports": [
        Mutant(GROUP, "securityRules", [OPEN]),
        Mutant(GROUP, "securityRules", [{**OPEN, "destinationPortRange": "*", "sourceAddressPrefix": "*"}]),
        Mutant(SECURITY_RULE, own=OPEN),
        Mutant(
            SECURITY_RULE,
            own={**OPEN, "sourceAddressPrefix": None, "sourceAddressPrefixes": ["10.0.0.0/8", WORLD]},
        ),
        Mutant(SECURITY_RULE, own={**OPEN, "destinationPortRange": None, "destinationPortRanges": ["443", "5432"]}),
    ],
    "azure-static-address": of(ADDRESS, ("sku.name", "Basic"), ("publicIPAllocationMethod", "Dynamic")),
    "azure-address-zones": of(ADDRESS, ("zones", REMOVED)),
    "azure-role-scope": of(
        ROLE,
        ("principalType", REMOVED),
        ("scope", "/subscriptions/11111111-2222-3333-4444-555555555555"),
        ("scope", "/"),
        ("scope", "/providers/Microsoft.Management/managementGroups/all"),
        ("roleDefinitionId", f"{DEFINITION}/{OWNER}"),
        ("roleDefinitionId", f"{DEFINITION}/{ACCESS_ADMINISTRATOR}"),
    ),
    "azure-federation": of(
        FEDERATION,
        ("subject", "system:serviceaccount:airflow:*"),
        ("subject", "system:serviceaccount:airflow"),
        ("audiences", ["sts"]),
        ("issuer", ""),
    ),
    "storage-public-blobs": [
        *of(ACCOUNT, ("allowBlobPublicAccess", True), ("allowBlobPublicAccess", REMOVED)),
        *of(CONTAINER, ("publicAccess", "Blob")),
    ],
    "storage-tls": of(ACCOUNT, ("minimumTlsVersion", "TLS1_0"), ("enableHttpsTrafficOnly", False), name="logs-account"),
    "storage-keys": of(ACCOUNT, ("allowSharedKeyAccess", True), ("allowSharedKeyAccess", REMOVED), name="logs-account"),
    "storage-foreign-access": of(ACCOUNT, ("allowCrossTenantReplication", True), ("isLocalUserEnabled", True)),
    "storage-firewall": of(
        ACCOUNT,
        ("networkRuleSet.defaultAction", "Allow"),
        ("networkRuleSet", REMOVED),
        ("networkRuleSet.ipRules", [{"action": "Allow", "iPAddressOrRange": WORLD}]),
    ),
    "storage-private-endpoints": of(ACCOUNT, ("publicNetworkAccess", "Enabled")),
    "storage-redundancy": of(ACCOUNT, ("sku.name", "Standard_LRS")),
    "storage-recovery": [
        *of(
            BLOBS,
            ("deleteRetentionPolicy.enabled", False),
            ("deleteRetentionPolicy.days", 1),
            ("containerDeleteRetentionPolicy.enabled", False),
        ),
        *of(FILES, ("shareDeleteRetentionPolicy.enabled", False), ("shareDeleteRetentionPolicy.days", 1)),
    ],
    "storage-versions": of(BLOBS, ("isVersioningEnabled", False)),
    "storage-expiry": of(EXPIRY, ("policy.rules", []), ("policy.rules[0].enabled", False)),
    "azure-locks": [
        Mutant(LOCKS[0], missing=True),
        Mutant(LOCKS[0], missing=True, name="-database"),
        Mutant(LOCKS[0], "level", "NotSpecified"),
    ],
    "azure-tags": [mutant for kind in AZURE_TAGS for mutant in of(kind, ("tags", REMOVED), ("tags", {"team": "data"}))],
}
"""By rule."""
