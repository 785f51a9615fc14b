"""One valid example of every type in the simulated Azure; tests make single inputs invalid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lab.clouds.azure.arm import uid
from lab.engine.provider_values import secret

SUBSCRIPTION: Final = "11111111-2222-3333-4444-555555555555"
GROUP_ID: Final = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/group"
PASSWORD: Final = "Correct-Horse-7-Battery"
NETWORK_USER: Final = "4d97b98b-1d4f-4787-a291-c67834d212e7"
BLOB_WRITER: Final = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"


def provided(namespace: str, kind: str, name: str) -> str:
    """The id of a resource in the group."""
    return f"{GROUP_ID}/providers/{namespace}/{kind}/{name}"


VNET: Final = provided("Microsoft.Network", "virtualNetworks", "vnet")
NODES: Final = f"{VNET}/subnets/nodes"
DATABASE_SUBNET: Final = f"{VNET}/subnets/database"
ENDPOINTS: Final = f"{VNET}/subnets/endpoints"
ZONE: Final = provided("Microsoft.Network", "privateDnsZones", "private.postgres.database.azure.com")
IDENTITY: Final = provided("Microsoft.ManagedIdentity", "userAssignedIdentities", "identity")
CLUSTER: Final = provided("Microsoft.ContainerService", "managedClusters", "cluster")
SERVER: Final = provided("Microsoft.DBforPostgreSQL", "flexibleServers", "server")
ACCOUNT: Final = provided("Microsoft.Storage", "storageAccounts", "account")
FILES: Final = provided("Microsoft.Storage", "storageAccounts", "files")
WORKSPACE: Final = provided("Microsoft.OperationalInsights", "workspaces", "workspace")
CONTAINER: Final = f"{ACCOUNT}/blobServices/default/containers/logs"
ROLE: Final = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"

IN_GROUP: Final = {"resourceGroupName": "group"}
PLACED: Final = {**IN_GROUP, "location": "swedencentral"}
POOL: Final = {
    "name": "system",
    "mode": "System",
    "vmSize": "Standard_D4ds_v5",
    "availabilityZones": ["1", "2", "3"],
    "vnetSubnetID": NODES,
    "enableAutoScaling": True,
    "minCount": 1,
    "maxCount": 3,
    "count": 1,
    "osDiskType": "Ephemeral",
    "osDiskSizeGB": 100,
}

TEMPLATE: Final = "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"
INNER_TEMPLATE: Final = {
    "$schema": TEMPLATE,
    "contentVersion": "1.0.0.0",
    "parameters": {"name": {"type": "string"}},
    "resources": [
        {
            "type": "Microsoft.ContainerService/managedClusters",
            "apiVersion": "2025-09-01",
            "name": "[parameters('name')]",
            "properties": "[union(parameters('name'), json('{}'))]",
        }
    ],
}

EXAMPLES: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "group": ("resources:ResourceGroup", {"resourceGroupName": "group", "location": "swedencentral"}),
    "vnet": (
        "network:VirtualNetwork",
        {**PLACED, "virtualNetworkName": "vnet", "addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}},
    ),
    "rules": (
        "network:NetworkSecurityGroup",
        {
            **PLACED,
            "networkSecurityGroupName": "rules",
            "securityRules": [
                {
                    "name": "web",
                    "priority": 100,
                    "direction": "Inbound",
                    "access": "Allow",
                    "protocol": "Tcp",
                    "sourceAddressPrefix": "Internet",
                    "sourcePortRange": "*",
                    "destinationAddressPrefix": "*",
                    "destinationPortRanges": ["80", "443"],
                }
            ],
        },
    ),
    "outbound": (
        "network:PublicIPAddress",
        {
            **PLACED,
            "publicIpAddressName": "outbound",
            "sku": {"name": "Standard"},
            "publicIPAllocationMethod": "Static",
            "zones": ["1", "2", "3"],
        },
    ),
    "gateway": (
        "network:NatGateway",
        {
            **PLACED,
            "natGatewayName": "gateway",
            "sku": {"name": "Standard"},
            "publicIpAddresses": [{"id": provided("Microsoft.Network", "publicIPAddresses", "outbound")}],
        },
    ),
    "nodes": (
        "network:Subnet",
        {
            **IN_GROUP,
            "virtualNetworkName": "vnet",
            "subnetName": "nodes",
            "addressPrefix": "10.1.0.0/20",
            "networkSecurityGroup": {"id": provided("Microsoft.Network", "networkSecurityGroups", "rules")},
            "natGateway": {"id": provided("Microsoft.Network", "natGateways", "gateway")},
            "serviceEndpoints": [{"service": "Microsoft.Storage"}],
        },
    ),
    "database subnet": (
        "network:Subnet",
        {
            **IN_GROUP,
            "virtualNetworkName": "vnet",
            "subnetName": "database",
            "addressPrefix": "10.1.16.0/24",
            "delegations": [{"name": "postgres", "serviceName": "Microsoft.DBforPostgreSQL/flexibleServers"}],
        },
    ),
    "endpoints": (
        "network:Subnet",
        {**IN_GROUP, "virtualNetworkName": "vnet", "subnetName": "endpoints", "addressPrefix": "10.1.17.0/24"},
    ),
    "zone": (
        "privatedns:PrivateZone",
        {**IN_GROUP, "privateZoneName": "private.postgres.database.azure.com", "location": "global"},
    ),
    "link": (
        "privatedns:VirtualNetworkLink",
        {
            **IN_GROUP,
            "privateZoneName": "private.postgres.database.azure.com",
            "virtualNetworkLinkName": "link",
            "location": "global",
            "registrationEnabled": False,
            "virtualNetwork": {"id": VNET},
        },
    ),
    "identity": ("managedidentity:UserAssignedIdentity", {**PLACED, "resourceName": "identity"}),
    "cluster": (
        "containerservice:ManagedCluster",
        {
            **PLACED,
            "resourceName": "cluster",
            "dnsPrefix": "cluster",
            "sku": {"name": "Base", "tier": "Standard"},
            "identity": {"type": "UserAssigned", "userAssignedIdentities": [IDENTITY]},
            "disableLocalAccounts": True,
            "aadProfile": {"managed": True, "enableAzureRBAC": True},
            "oidcIssuerProfile": {"enabled": True},
            "securityProfile": {"workloadIdentity": {"enabled": True}},
            "networkProfile": {
                "networkPlugin": "azure",
                "networkPluginMode": "overlay",
                "networkDataplane": "cilium",
                "networkPolicy": "cilium",
                "podCidr": "10.244.0.0/16",
                "serviceCidr": "10.2.0.0/16",
                "dnsServiceIP": "10.2.0.10",
                "outboundType": "userAssignedNATGateway",
            },
            "agentPoolProfiles": [POOL],
        },
    ),
    "pool": (
        "containerservice:AgentPool",
        {
            **IN_GROUP,
            "resourceName": "cluster",
            "agentPoolName": "tasks",
            **{key: value for key, value in POOL.items() if key not in ("name", "mode")},
        },
    ),
    "maintenance": (
        "containerservice:MaintenanceConfiguration",
        {
            **IN_GROUP,
            "resourceName": "cluster",
            "configName": "aksManagedAutoUpgradeSchedule",
            "maintenanceWindow": {
                "schedule": {"weekly": {"dayOfWeek": "Saturday", "intervalWeeks": 1}},
                "startTime": "01:00",
                "durationHours": 4,
            },
        },
    ),
    "server": (
        "dbforpostgresql:Server",
        {
            **PLACED,
            "serverName": "server",
            "version": "17",
            "sku": {"name": "Standard_D2ds_v5", "tier": "GeneralPurpose"},
            "administratorLogin": "keeper",
            "administratorLoginPassword": secret(PASSWORD),
            "availabilityZone": "1",
            "highAvailability": {"mode": "ZoneRedundant", "standbyAvailabilityZone": "2"},
            "storage": {"storageSizeGB": 128, "autoGrow": "Enabled"},
            "backup": {"backupRetentionDays": 14, "geoRedundantBackup": "Enabled"},
            "network": {"delegatedSubnetResourceId": DATABASE_SUBNET, "privateDnsZoneArmResourceId": ZONE},
        },
    ),
    "database": ("dbforpostgresql:Database", {**IN_GROUP, "serverName": "server", "databaseName": "airflow"}),
    "parameter": (
        "dbforpostgresql:Configuration",
        {
            **IN_GROUP,
            "serverName": "server",
            "configurationName": "require_secure_transport",
            "value": "on",
            "source": "user-override",
        },
    ),
    "account": (
        "storage:StorageAccount",
        {
            **PLACED,
            "accountName": "account",
            "kind": "StorageV2",
            "sku": {"name": "Standard_ZRS"},
            "allowSharedKeyAccess": False,
            "networkRuleSet": {
                "defaultAction": "Deny",
                "virtualNetworkRules": [{"virtualNetworkResourceId": NODES, "action": "Allow"}],
            },
        },
    ),
    "blobs": (
        "storage:BlobServiceProperties",
        {
            **IN_GROUP,
            "accountName": "account",
            "blobServicesName": "default",
            "deleteRetentionPolicy": {"enabled": True, "days": 7},
        },
    ),
    "container": ("storage:BlobContainer", {**IN_GROUP, "accountName": "account", "containerName": "logs"}),
    "expiry": (
        "storage:ManagementPolicy",
        {
            **IN_GROUP,
            "accountName": "account",
            "managementPolicyName": "default",
            "policy": {
                "rules": [
                    {
                        "name": "expiry",
                        "type": "Lifecycle",
                        "definition": {
                            "filters": {"blobTypes": ["blockBlob"]},
                            "actions": {"baseBlob": {"delete": {"daysAfterModificationGreaterThan": 30}}},
                        },
                    }
                ]
            },
        },
    ),
    "files": (
        "storage:StorageAccount",
        {
            **PLACED,
            "accountName": "files",
            "kind": "FileStorage",
            "sku": {"name": "Premium_ZRS"},
            "enableHttpsTrafficOnly": False,
            "networkRuleSet": {"defaultAction": "Deny"},
        },
    ),
    "share settings": (
        "storage:FileServiceProperties",
        {**IN_GROUP, "accountName": "files", "fileServicesName": "default"},
    ),
    "share": (
        "storage:FileShare",
        {**IN_GROUP, "accountName": "files", "shareName": "dags", "enabledProtocols": "NFS", "shareQuota": 100},
    ),
    "endpoint": (
        "network:PrivateEndpoint",
        {
            **PLACED,
            "privateEndpointName": "endpoint",
            "subnet": {"id": ENDPOINTS},
            "privateLinkServiceConnections": [{"name": "file", "privateLinkServiceId": FILES, "groupIds": ["file"]}],
        },
    ),
    "endpoint names": (
        "network:PrivateDnsZoneGroup",
        {
            **IN_GROUP,
            "privateEndpointName": "endpoint",
            "privateDnsZoneGroupName": "default",
            "privateDnsZoneConfigs": [{"name": "file", "privateDnsZoneId": ZONE}],
        },
    ),
    "role": (
        "authorization:RoleAssignment",
        {
            "roleAssignmentName": uid("role"),
            "scope": CONTAINER,
            "principalId": uid(f"principal {IDENTITY}"),
            "principalType": "ServicePrincipal",
            "roleDefinitionId": f"{ROLE}/{BLOB_WRITER}",
        },
    ),
    "federation": (
        "managedidentity:FederatedIdentityCredential",
        {
            **IN_GROUP,
            "resourceName": "identity",
            "federatedIdentityCredentialResourceName": "task",
            "issuer": "https://issuer.example.org/",
            "subject": "system:serviceaccount:airflow:task",
            "audiences": ["api://AzureADTokenExchange"],
        },
    ),
    "registry": (
        "containerregistry:Registry",
        {**PLACED, "registryName": "images", "sku": {"name": "Basic"}, "adminUserEnabled": False},
    ),
    "vault": (
        "keyvault:Vault",
        {
            **PLACED,
            "vaultName": "vault",
            "properties": {"tenantId": SUBSCRIPTION, "sku": {"family": "A", "name": "standard"}},
        },
    ),
    "disk": (
        "compute:Disk",
        {
            **PLACED,
            "diskName": "broker",
            "creationData": {"createOption": "Empty"},
            "diskSizeGB": 8,
            "sku": {"name": "Premium_LRS"},
            "zones": ["1"],
        },
    ),
    "workspace": (
        "operationalinsights:Workspace",
        {**PLACED, "workspaceName": "workspace", "sku": {"name": "PerGB2018"}, "retentionInDays": 30},
    ),
    "audit": (
        "monitor:DiagnosticSetting",
        {
            "name": "audit",
            "resourceUri": CLUSTER,
            "workspaceId": WORKSPACE,
            "logs": [{"category": "kube-audit-admin", "enabled": True}],
        },
    ),
    "deployment": (
        "resources:Deployment",
        {
            **IN_GROUP,
            "deploymentName": "gateways",
            "properties": {
                "mode": "Incremental",
                "parameters": {"cluster": {"value": CLUSTER}},
                "template": {
                    "$schema": TEMPLATE,
                    "contentVersion": "1.0.0.0",
                    "parameters": {"cluster": {"type": "string"}},
                    "resources": [
                        {
                            "type": "Microsoft.Resources/deployments",
                            "apiVersion": "2022-09-01",
                            "name": "inner",
                            "properties": {
                                "mode": "Incremental",
                                "parameters": {"name": {"value": "[parameters('cluster')]"}},
                                "template": INNER_TEMPLATE,
                            },
                        }
                    ],
                },
            },
        },
    ),
}
"""Examples by name, in the order of their dependencies: type token without the package, and inputs."""
