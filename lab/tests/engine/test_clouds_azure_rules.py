"""Refusals, replacements and changes in place of the simulated Azure, case by case, as in its real API or plugin."""

from __future__ import annotations

from typing import Any

import pytest

from lab.clouds.azure.arm import OPERATOR, uid
from lab.testing.azure import Azure
from lab.testing.azure_examples import ACCOUNT, NODES, POOL, ROLE, VNET

MACHINES = {**POOL, "vmSize": "Standard_D4s_v5", "osDiskType": "Managed"}


@pytest.mark.parametrize(
    ("name", "changes", "path"),
    [
        ("group", {"resourceGroupName": "group."}, "resourceGroupName"),
        ("group", {"resourceGroupName": "g" * 91}, "resourceGroupName"),
        ("group", {"location": None}, "location"),
        ("group", {"tags": {str(number): "" for number in range(51)}}, "tags"),
        ("group", {"tags": {"a/b": ""}}, "tags.a/b"),
        ("group", {"tags": {"a": "x" * 257}}, "tags.a"),
        ("account", {"tags": {"x" * 129: ""}}, "tags." + "x" * 129),
        ("zone", {"tags": {"cost center": ""}}, "tags.cost center"),
        ("link", {"tags": {str(number): "" for number in range(16)}}, "tags"),
        ("vnet", {"addressSpace__addressPrefixes": ["10.1.0.1/16"]}, "addressSpace.addressPrefixes[0]"),
        ("vnet", {"adressSpace": {}}, "adressSpace"),
        ("nodes", {"addressPrefix": "10.1.0.0/30"}, "addressPrefix"),
        ("nodes", {"addressPrefix": None}, "addressPrefix"),
        ("nodes", {"addressPrefixes": ["10.1.0.0/20"]}, "addressPrefix"),
        (
            "database subnet",
            {"delegations__0__serviceName": "Microsoft.DBforPostgreSQL/servers"},
            "delegations[0].serviceName",
        ),
        ("rules", {"securityRules__0__priority": 99}, "securityRules[0].priority"),
        ("rules", {"securityRules__0__protocol": "TCP"}, "securityRules[0].protocol"),
        ("rules", {"securityRules__0__destinationPortRanges": None}, "securityRules[0].destinationPortRange"),
        ("outbound", {"idleTimeoutInMinutes": 31}, "idleTimeoutInMinutes"),
        ("gateway", {"sku": None}, "sku"),
        ("zone", {"privateZoneName": "postgres"}, "privateZoneName"),
        ("identity", {"resourceName": "id"}, "resourceName"),
        ("cluster", {"resourceName": "c" * 64}, "resourceName"),
        ("cluster", {"dnsPrefix": "-cluster"}, "dnsPrefix"),
        ("cluster", {"dnsPrefix": None}, "dnsPrefix"),
        ("cluster", {"identity": None}, "identity"),
        ("cluster", {"aadProfile": None}, "disableLocalAccounts"),
        ("cluster", {"oidcIssuerProfile": None}, "securityProfile.workloadIdentity.enabled"),
        ("cluster", {"sku__tier": "Paid"}, "sku.tier"),
        ("cluster", {"sku__tier": "Premium"}, "sku.tier"),
        ("cluster", {"supportPlan": "AKSLongTermSupport"}, "supportPlan"),
        ("cluster", {"agentPoolProfiles__0__mode": "User"}, "agentPoolProfiles"),
        ("cluster", {"agentPoolProfiles__0__name": "system-1"}, "agentPoolProfiles[0].name"),
        ("cluster", {"agentPoolProfiles__0__vmSize": "Standard_D4"}, "agentPoolProfiles[0].vmSize"),
        ("cluster", {"agentPoolProfiles__0__vmSize": "Standard_B1s"}, "agentPoolProfiles[0].vmSize"),
        ("cluster", {"agentPoolProfiles__0__vmSize": "Standard_D4s_v5"}, "agentPoolProfiles[0].osDiskType"),
        ("cluster", {"agentPoolProfiles__0__osDiskSizeGB": 151}, "agentPoolProfiles[0].osDiskType"),
        ("cluster", {"agentPoolProfiles__0__minCount": 0}, "agentPoolProfiles[0].minCount"),
        ("cluster", {"agentPoolProfiles__0__maxCount": None}, "agentPoolProfiles[0].minCount"),
        ("cluster", {"agentPoolProfiles__0__count": 4}, "agentPoolProfiles[0].count"),
        ("cluster", {"agentPoolProfiles__0__maxPods": 9}, "agentPoolProfiles[0].maxPods"),
        ("cluster", {"agentPoolProfiles__0__scaleSetPriority": "Spot"}, "agentPoolProfiles[0].scaleSetPriority"),
        ("cluster", {"networkProfile__networkPolicy": "calico"}, "networkProfile.networkPolicy"),
        ("cluster", {"networkProfile__networkPluginMode": None}, "networkProfile.networkDataplane"),
        ("cluster", {"networkProfile__dnsServiceIP": "10.2.0.1"}, "networkProfile.dnsServiceIP"),
        ("cluster", {"networkProfile__dnsServiceIP": "10.3.0.10"}, "networkProfile.dnsServiceIP"),
        ("cluster", {"networkProfile__podCidr": "10.2.0.0/20"}, "networkProfile.podCidr"),
        ("cluster", {"networkProfile__outboundType": "managedNATGateway"}, "networkProfile.outboundType"),
        ("cluster", {"agentPoolProfiles__0__vnetSubnetID": None}, "networkProfile.outboundType"),
        (
            "cluster",
            {"autoUpgradeProfile": {"upgradeChannel": "node-image", "nodeOSUpgradeChannel": "SecurityPatch"}},
            "autoUpgradeProfile.nodeOSUpgradeChannel",
        ),
        (
            "cluster",
            {"apiServerAccessProfile": {"enablePrivateCluster": True, "authorizedIPRanges": ["8.20.0.0/24"]}},
            "apiServerAccessProfile.authorizedIPRanges",
        ),
        ("pool", {"agentPoolName": "task-pool"}, "agentPoolName"),
        ("pool", {"spotMaxPrice": -1}, "scaleSetEvictionPolicy"),
        ("maintenance", {"configName": "weekly"}, "configName"),
        ("maintenance", {"maintenanceWindow__durationHours": 3}, "maintenanceWindow.durationHours"),
        ("server", {"serverName": "Server"}, "serverName"),
        ("server", {"serverName": "s" * 64}, "serverName"),
        ("server", {"version": "10"}, "version"),
        ("server", {"sku__name": "Standard_D2ds_v9"}, "sku.name"),
        ("server", {"sku__tier": "MemoryOptimized"}, "sku.tier"),
        ("server", {"sku": {"name": "Standard_B2s", "tier": "Burstable"}}, "highAvailability.mode"),
        ("server", {"storage__storageSizeGB": 100}, "storage.storageSizeGB"),
        ("server", {"backup__backupRetentionDays": 36}, "backup.backupRetentionDays"),
        ("server", {"administratorLogin": "azure_superuser"}, "administratorLogin"),
        ("server", {"administratorLogin": "pg_keeper"}, "administratorLogin"),
        ("server", {"administratorLoginPassword": "alllowercase"}, "administratorLoginPassword"),
        ("server", {"administratorLoginPassword": None}, "administratorLoginPassword"),
        ("server", {"network__privateDnsZoneArmResourceId": None}, "network.privateDnsZoneArmResourceId"),
        ("server", {"network__publicNetworkAccess": "Enabled"}, "network.publicNetworkAccess"),
        ("database", {"databaseName": "postgres"}, "databaseName"),
        ("parameter", {"source": None}, "source"),
        ("account", {"accountName": "airflow-logs"}, "accountName"),
        ("account", {"accountName": "a" * 25}, "accountName"),
        ("account", {"sku__name": "Premium_ZRS"}, "sku.name"),
        ("files", {"sku__name": "Standard_ZRS"}, "sku.name"),
        ("blobs", {"blobServicesName": "logs"}, "blobServicesName"),
        ("blobs", {"deleteRetentionPolicy__days": 366}, "deleteRetentionPolicy.days"),
        ("container", {"containerName": "task--logs"}, "containerName"),
        (
            "expiry",
            {"policy__rules__0__definition__filters__blobTypes": []},
            "policy.rules[0].definition.filters.blobTypes",
        ),
        ("share", {"shareQuota": 102_401}, "shareQuota"),
        ("endpoint", {"privateLinkServiceConnections": None}, "privateLinkServiceConnections"),
        ("role", {"roleAssignmentName": "logs"}, "roleAssignmentName"),
        ("role", {"principalId": "identity"}, "principalId"),
        ("role", {"roleDefinitionId": "Storage Blob Data Contributor"}, "roleDefinitionId"),
        ("federation", {"audiences": []}, "audiences"),
        ("federation", {"issuer": "issuer.example.org"}, "issuer"),
        ("registry", {"registryName": "my-images"}, "registryName"),
        ("registry", {"zoneRedundancy": "Enabled"}, "zoneRedundancy"),
        ("disk", {"diskSizeGB": None}, "diskSizeGB"),
        ("disk", {"zones": ["1", "2"]}, "zones"),
        ("disk", {"sku__name": "Premium_ZRS"}, "zones"),
        ("workspace", {"retentionInDays": 7}, "retentionInDays"),
        ("audit", {"workspaceId": None}, "workspaceId"),
        ("deployment", {"properties__parameters": {}}, "properties.template.parameters.cluster"),
        (
            "deployment",
            {"properties__template__resources__0__properties__parameters": {}},
            "properties.template.resources[0].properties.template.parameters.name",
        ),
        (
            "deployment",
            {"properties__template__resources__0__properties__template__resources__0__name": "[parameters('nam')]"},
            "properties.template.resources[0].properties.template.resources[0]",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_happens(
    azure: Azure, name: str, changes: dict[str, Any], path: str
) -> None:
    assert path in azure.faults(name, **changes)
    assert azure.plugin.inventory.read().items == {}


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("group", {"location": "europe"}, "LocationNotAvailableForResourceType"),
        ("vnet", {"resourceGroupName": "other"}, 'Status=404 Code="ResourceGroupNotFound"'),
        ("nodes", {"virtualNetworkName": "other"}, "ParentResourceNotFound"),
        ("nodes", {"addressPrefix": "10.2.0.0/20"}, "NetcfgInvalidSubnet"),
        ("nodes", {"natGateway__id": "/subscriptions/x"}, "InvalidResourceReference"),
        ("outbound", {"sku__name": "Basic"}, "Basic"),
        ("outbound", {"publicIPAllocationMethod": "Dynamic"}, "StandardSkuPublicIPAddressMustBeStatic"),
        ("outbound", {"zones": ["1", "2"]}, "InvalidAvailabilityZone"),
        ("outbound", {"location": "westus"}, "InvalidAvailabilityZone"),
        ("gateway", {"zones": ["1", "2"]}, "InvalidAvailabilityZone"),
        ("gateway", {"location": "northeurope"}, "InvalidResourceReference"),
        ("zone", {"location": "westeurope"}, "LocationNotAvailableForResourceType"),
        ("zone", {"location": None}, "LocationNotAvailableForResourceType"),
        ("link", {"virtualNetwork__id": NODES}, "InvalidResourceReference"),
        ("cluster", {"location": "northeurope"}, "VnetSubnetRegionMismatch"),
        ("cluster", {"kubernetesVersion": "1.25"}, "K8sVersionNotSupported"),
        ("cluster", {"networkProfile__serviceCidr": "10.1.128.0/20", "networkProfile__dnsServiceIP": None}, ""),
        ("cluster", {"agentPoolProfiles__0__enableEncryptionAtHost": True}, "SubscriptionNotEnabledEncryptionAtHost"),
        ("cluster", {"nodeResourceGroup": "n" * 81}, "too long"),
        ("cluster", {"nodeResourceGroup": "group"}, "already exists"),
        ("cluster", {"agentPoolProfiles": [{**MACHINES, "availabilityZones": ["4"]}]}, "InvalidAvailabilityZone"),
        ("cluster", {"agentPoolProfiles__0__securityProfile": {"sshAccess": "Disabled"}}, 'unknown field "sshAccess"'),
        ("pool", {"securityProfile": {"enableVTPM": True, "sshAccess": "LocalUser"}}, 'unknown field "sshAccess"'),
        ("cluster", {"kubernetesVersion": "1.37", "agentPoolProfiles__0__osSKU": "AzureLinux3"}, "AzureLinux3"),
        ("pool", {"vnetSubnetID": None}, "InvalidParameter"),
        ("server", {"location": "uksouth"}, "VnetRegionMismatch"),
        ("server", {"location": "westeurope"}, "ZoneRedundantHADisabled"),
        ("server", {"location": "japanwest"}, "ZoneRedundantHANotSupported"),
        ("server", {"location": "italynorth"}, "GeoRedundantBackupNotSupported"),
        ("server", {"highAvailability__standbyAvailabilityZone": "1"}, "InvalidParameterValue"),
        ("server", {"network__delegatedSubnetResourceId": NODES}, "InvalidResourceReference"),
        ("parameter", {"configurationName": "log_conections"}, "ResourceNotFound"),
        ("parameter", {"value": "yes"}, "InvalidParameterValue"),
        ("parameter", {"configurationName": "ssl"}, "ReadOnlyConfiguration"),
        ("parameter", {"configurationName": "log_connections"}, "ReadOnlyConfiguration"),
        ("parameter", {"configurationName": "max_connections", "value": "24"}, "InvalidParameterValue"),
        ("account", {"location": "westus"}, "InvalidSku"),
        ("account", {"location": "malaysiawest"}, "InvalidSku"),
        ("container", {"publicAccess": "Blob"}, "PublicAccessNotPermitted"),
        ("container", {"accountName": "other"}, "ParentResourceNotFound"),
        ("share", {"shareQuota": 99}, "InvalidHeaderValue"),
        ("share", {"accessTier": "Hot"}, "InvalidHeaderValue"),
        (
            "endpoint",
            {"privateLinkServiceConnections__0__groupIds": ["blob", "file"]},
            "PrivateEndpointUnsupportedGroupId",
        ),
        ("role", {"roleDefinitionId": f"{ROLE}/00000000-0000-0000-0000-000000000000"}, "RoleDefinitionDoesNotExist"),
        ("role", {"principalId": uid("nobody")}, "PrincipalNotFound"),
        ("role", {"principalType": "User"}, "UnmatchedPrincipalType"),
        ("role", {"principalId": OPERATOR}, "UnmatchedPrincipalType"),
        ("role", {"scope": f"{ACCOUNT}/blobServices/default/containers/other"}, "ResourceNotFound"),
        ("federation", {"resourceName": "other"}, "ParentResourceNotFound"),
        ("audit", {"logs": [{"category": "audit", "enabled": True}]}, "not supported"),
    ],
)
def test_the_api_refuses_what_does_not_fit(azure: Azure, name: str, changes: dict[str, Any], words: str) -> None:
    if not words:
        changes = {**changes, "networkProfile__serviceCidr": "10.1.0.0/22"}
        words = "ServiceCidrOverlapExistingSubnetsCidr"
    assert words in azure.refused(name, **changes)
    assert azure.plugin.journal.calls("create")[-1].outcome != "ok"


@pytest.mark.parametrize(
    ("name", "changes", "outcome"),
    [
        ("group", {"location": "northeurope"}, {"location": "update-replace"}),
        ("group", {"location": "Sweden Central"}, {}),
        ("group", {"tags": {"a": "b"}}, {"tags": "add"}),
        ("outbound", {"idleTimeoutInMinutes": 10}, {"idleTimeoutInMinutes": "add"}),
        ("outbound", {"sku__tier": "Global"}, {"sku.tier": "add-replace"}),
        ("cluster", {"sku__tier": "Free"}, {"sku.tier": "update"}),
        ("cluster", {"dnsPrefix": "other"}, {"dnsPrefix": "update-replace"}),
        ("cluster", {"networkProfile__podCidr": "10.245.0.0/16"}, {"networkProfile.podCidr": "update-replace"}),
        ("cluster", {"networkProfile__loadBalancerSku": "standard"}, {"networkProfile.loadBalancerSku": "add"}),
        ("cluster", {"agentPoolProfiles__0__maxCount": 5}, {"agentPoolProfiles[0].maxCount": "update"}),
        ("cluster", {"agentPoolProfiles__0__vmSize": "Standard_D8ds_v5"}, {"agentPoolProfiles[0].vmSize": "update"}),
        ("pool", {"vmSize": "Standard_D8ds_v5"}, {"vmSize": "update-replace"}),
        ("server", {"sku__name": "Standard_D4ds_v5"}, {"sku.name": "update"}),
        ("server", {"version": "18"}, {"version": "update"}),
        ("server", {"administratorLogin": "other"}, {"administratorLogin": "update-replace"}),
        ("server", {"availabilityZone": "3"}, {"availabilityZone": "update-replace"}),
        ("server", {"backup__geoRedundantBackup": "Disabled"}, {"backup.geoRedundantBackup": "update-replace"}),
        ("server", {"backup__backupRetentionDays": 21}, {"backup.backupRetentionDays": "update"}),
        ("account", {"sku__name": "Standard_GZRS"}, {"sku.name": "update"}),
        ("account", {"isHnsEnabled": True}, {"isHnsEnabled": "add-replace"}),
        ("share", {"shareQuota": 200}, {"shareQuota": "update"}),
        ("share", {"enabledProtocols": "SMB"}, {"enabledProtocols": "update-replace"}),
        ("container", {"containerName": "other"}, {"containerName": "update-replace"}),
        ("role", {"principalId": uid("other")}, {"principalId": "update-replace"}),
        ("federation", {"subject": "system:serviceaccount:a:b"}, {"subject": "update"}),
        ("disk", {"diskSizeGB": 16}, {"diskSizeGB": "update"}),
    ],
)
def test_a_change_replaces_only_what_the_plugin_replaces(
    azure: Azure, name: str, changes: dict[str, Any], outcome: dict[str, str]
) -> None:
    assert azure.changes(name, **changes) == outcome


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("nodes", {"defaultOutboundAccess": False}, "DefaultOutboundConnectivityCannotBeChanged"),
        ("vnet", {"addressSpace__addressPrefixes": ["10.9.0.0/16"]}, ""),
        ("outbound", {"zones": ["1"]}, "ResourceAvailabilityZonesCannotBeModified"),
        ("link", {"virtualNetwork__id": f"{VNET}2"}, "InvalidResourceReference"),
        ("cluster", {"agentPoolProfiles__0__vmSize": "Standard_D8ds_v5"}, "PropertyChangeNotAllowed"),
        ("cluster", {"agentPoolProfiles__0__osDiskSizeGB": 60}, "PropertyChangeNotAllowed"),
        ("cluster", {"oidcIssuerProfile": None, "securityProfile": None}, "OIDCIssuerFeatureCannotBeDisabled"),
        ("cluster", {"kubernetesVersion": "1.32"}, "Downgrading"),
        ("pool", {"maxPods": 50}, "PropertyChangeNotAllowed"),
        ("server", {"storage__storageSizeGB": 64}, "InvalidStorageSizeChange"),
        ("server", {"version": "16"}, "MajorVersionDowngradeNotSupported"),
        ("database", {"collation": "C"}, "cannot be changed"),
        ("account", {"sku__name": "Standard_LRS"}, "InvalidSkuChange"),
        ("disk", {"diskSizeGB": 4}, "shrinks"),
        ("disk", {"zones": ["2"]}, "PropertyChangeNotAllowed"),
    ],
)
def test_the_api_refuses_changes_in_place_that_it_does_not_make(
    azure: Azure, name: str, changes: dict[str, Any], words: str
) -> None:
    azure.make(name)
    if name == "vnet":
        azure.make("nodes")
        words = "InUsePrefixCannotBeDeleted"
    before = azure.plugin.read(azure.made[name])
    assert words in azure.plugin.refused(azure.update, name, **changes)
    assert azure.plugin.read(azure.made[name]) == before
