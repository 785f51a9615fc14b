"""Answers of the unit tests' simulated engine for Azure: the computed outputs that the program reads."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, Final

import yaml

from tests.unit.recording.stacks_azure import SUBSCRIPTION

TENANT: Final = "11111111-1111-1111-1111-111111111111"
OPERATOR: Final = "22222222-2222-2222-2222-222222222222"
AZURE_CLI: Final = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"
SHARE_KEY: Final = base64.b64encode(b"a key of sixty-four bytes, which is what a storage account has..").decode()
ISSUER: Final = "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/"
KUBELET: Final = "33333333-3333-3333-3333-333333333333"
ADDRESS: Final = "203.0.113.10"
OUTBOUND_ADDRESS: Final = "203.0.113.11"
SERVER: Final = "https://airflow-0a1b2c.hcp.westeurope.azmk8s.io:443"
NAMES: Final = {
    "azure-native:authorization:ManagementLockByScope": "lockName",
    "azure-native:compute:Disk": "diskName",
    "azure-native:containerregistry:Registry": "registryName",
    "azure-native:containerservice:AgentPool": "agentPoolName",
    "azure-native:containerservice:MaintenanceConfiguration": "configName",
    "azure-native:containerservice:ManagedCluster": "resourceName",
    "azure-native:dbforpostgresql:Configuration": "configurationName",
    "azure-native:dbforpostgresql:Database": "databaseName",
    "azure-native:dbforpostgresql:Server": "serverName",
    "azure-native:keyvault:Vault": "vaultName",
    "azure-native:managedidentity:FederatedIdentityCredential": "federatedIdentityCredentialResourceName",
    "azure-native:managedidentity:UserAssignedIdentity": "resourceName",
    "azure-native:monitor:DiagnosticSetting": "name",
    "azure-native:network:NatGateway": "natGatewayName",
    "azure-native:network:NetworkSecurityGroup": "networkSecurityGroupName",
    "azure-native:network:PrivateDnsZoneGroup": "privateDnsZoneGroupName",
    "azure-native:network:PrivateEndpoint": "privateEndpointName",
    "azure-native:network:PublicIPAddress": "publicIpAddressName",
    "azure-native:network:Subnet": "subnetName",
    "azure-native:network:VirtualNetwork": "virtualNetworkName",
    "azure-native:operationalinsights:Workspace": "workspaceName",
    "azure-native:privatedns:PrivateZone": "privateZoneName",
    "azure-native:privatedns:VirtualNetworkLink": "virtualNetworkLinkName",
    "azure-native:resources:Deployment": "deploymentName",
    "azure-native:resources:ResourceGroup": "resourceGroupName",
    "azure-native:storage:BlobContainer": "containerName",
    "azure-native:storage:BlobServiceProperties": "blobServicesName",
    "azure-native:storage:FileServiceProperties": "fileServicesName",
    "azure-native:storage:FileShare": "shareName",
    "azure-native:storage:ManagementPolicy": "managementPolicyName",
    "azure-native:storage:StorageAccount": "accountName",
}
"""The input that becomes the output `name`; a role assignment's is a UUID that Azure's provider draws."""


def uuid(*seed: str) -> str:
    """A UUID, derived from a seed."""
    drawn = hashlib.sha256("\0".join(seed).encode()).hexdigest()
    return "-".join((drawn[:8], drawn[8:12], drawn[12:16], drawn[16:20], drawn[20:32]))


def group_id(name: str) -> str:
    """The id of a resource group, of which the program reads the subscription."""
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}"


def computed(type_: str, name: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a resource beyond its inputs."""
    if type_ == "azure-native:authorization:RoleAssignment":
        return {"name": uuid(name)}
    chosen = sent[NAMES[type_]]
    return {"name": chosen, **_of_its_own(type_, name, chosen, sent)}


def previewed(type_: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs in a preview, with a form that differs from the input of the same name."""
    if type_ != "azure-native:containerservice:ManagedCluster":
        return {}
    return {"identity": {"type": sent["identity"]["type"], "userAssignedIdentities": {}}}


def _of_its_own(type_: str, name: str, chosen: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    match type_:
        case "azure-native:managedidentity:UserAssignedIdentity":
            return {"clientId": uuid(name, "client"), "principalId": uuid(name, "principal"), "tenantId": TENANT}
        case "azure-native:containerservice:ManagedCluster":
            return {
                **previewed(type_, sent),
                "oidcIssuerProfile": {"enabled": True, "issuerURL": ISSUER},
                "identityProfile": {
                    "kubeletidentity": {"objectId": KUBELET, "clientId": uuid(name), "resourceId": "x"}
                },
            }
        case "azure-native:dbforpostgresql:Server":
            return {"fullyQualifiedDomainName": f"{chosen}.postgres.database.azure.com"}
        case "azure-native:network:PublicIPAddress":
            return {"ipAddress": OUTBOUND_ADDRESS if name.endswith("outbound-address") else ADDRESS}
        case "azure-native:keyvault:Vault":
            return {"properties": {**sent["properties"], "vaultUri": f"https://{chosen}.vault.azure.net/"}}
        case "azure-native:containerregistry:Registry":
            return {"loginServer": f"{chosen}.registry.example"}
        case _:
            return {}


def invoked(token: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to an invoke of the program."""
    match token:
        case "azure-native:authorization:getClientConfig":
            return {"clientId": AZURE_CLI, "objectId": OPERATOR, "subscriptionId": "", "tenantId": TENANT}
        case "azure-native:containerservice:listManagedClusterUserCredentials":
            assert given["format"] == "exec"
            return {"kubeconfigs": [{"name": "clusterUser", "value": _kubeconfig(given["resourceName"])}]}
        case "azure-native:storage:listStorageAccountKeys":
            return {"keys": [{"keyName": "key1", "permissions": "FULL", "value": SHARE_KEY, "creationTime": ""}]}
        case _:
            raise AssertionError(f"the program asks a provider: {token}")


def _kubeconfig(name: str) -> str:
    """The kubeconfig of Azure for a cluster without local accounts, which logs in with a browser."""
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": "kubelogin", "args": ["get-token"]}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": SERVER, "certificate-authority-data": "c2ltdWxhdGVk"}}],
        "users": [{"name": f"clusterUser_{name}", "user": {"exec": plugin}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": f"clusterUser_{name}"}}],
        "current-context": name,
    }
    return base64.b64encode(yaml.safe_dump(content).encode()).decode()
