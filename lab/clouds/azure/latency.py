"""Durations of operations in the real Azure, in seconds by type and operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SECONDS: Final[Mapping[str, Mapping[str, float]]] = {
    # An empty group is deleted after about a minute; the provider polls a deletion every 30 seconds.
    "azure-native:resources:ResourceGroup": {"create": 2, "delete": 60},
    # As long as the change in the template: here, an add-on of a cluster.
    "azure-native:resources:Deployment": {"create": 150, "update": 150, "delete": 15},
    "azure-native:operationalinsights:Workspace": {"create": 25, "update": 10, "delete": 10},
    "azure-native:network:VirtualNetwork": {"create": 10, "delete": 12},
    "azure-native:network:Subnet": {"create": 8, "update": 8, "delete": 12},
    "azure-native:network:NetworkSecurityGroup": {"create": 8, "delete": 12},
    "azure-native:network:PublicIPAddress": {"create": 8, "delete": 12},
    "azure-native:network:NatGateway": {"create": 12, "delete": 12},
    "azure-native:network:PrivateEndpoint": {"create": 45, "delete": 45},
    "azure-native:network:PrivateDnsZoneGroup": {"create": 15, "delete": 15},
    "azure-native:privatedns:PrivateZone": {"create": 40, "delete": 35},
    "azure-native:privatedns:VirtualNetworkLink": {"create": 45, "delete": 35},
    # 4 to 6 minutes with one pool; 2 to 4 for each further pool.
    "azure-native:containerservice:ManagedCluster": {"create": 300, "update": 120, "delete": 270},
    "azure-native:containerservice:AgentPool": {"create": 150, "update": 90, "delete": 120},
    "azure-native:containerservice:MaintenanceConfiguration": {"create": 3, "delete": 3},
    # 5 to 12 minutes, longer with a standby in another zone.
    "azure-native:dbforpostgresql:Server": {"create": 480, "update": 180, "delete": 90},
    "azure-native:dbforpostgresql:Database": {"create": 15, "delete": 15},
    "azure-native:dbforpostgresql:Configuration": {"create": 20, "update": 20, "delete": 20},
    "azure-native:dbforpostgresql:FirewallRule": {"create": 20, "delete": 20},
    "azure-native:storage:StorageAccount": {"create": 25, "update": 5, "delete": 5},
    "azure-native:containerregistry:Registry": {"create": 15, "update": 10, "delete": 10},
    "azure-native:keyvault:Vault": {"create": 20, "update": 5, "delete": 10},
    "azure-native:compute:Disk": {"create": 5, "update": 5, "delete": 10},
    "azure-native:managedidentity:UserAssignedIdentity": {"create": 5, "delete": 3},
    "azure-native:authorization:RoleAssignment": {"create": 5, "delete": 3},
}
"""Medians of users' reports; all other operations take the usual time."""
