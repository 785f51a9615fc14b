"""Virtual networks, subnets and network security groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, ip_network
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, changed, group_of, name_of, parent_id, place_of, uid
from lab.clouds.azure.busy import linger, lingers, mark, refuse_busy
from lab.clouds.inventory import Item
from lab.clouds.kind import Call, Grammar, Reference
from lab.clouds.schema_check import Fault
from lab.engine.provider_values import is_unknown

NETWORK: Final = "azure-native:network:VirtualNetwork"
SUBNET: Final = "azure-native:network:Subnet"
SECURITY_GROUP: Final = "azure-native:network:NetworkSecurityGroup"
NAT_GATEWAY: Final = "azure-native:network:NatGateway"
NAME: Final = Grammar(
    pattern=r"[A-Za-z0-9]([\w.-]{0,78}\w)?",
    words="1 to 80 letters, digits, underscores, dots and hyphens, from a letter or digit to a letter, digit or _",
)
ASSOCIATION_SECONDS: Final = 30.0
"""Time for which a deleted server remains in its subnet: less than the deletion of a DNS link takes."""
SMALLEST_SUBNET: Final = 29
"""Prefix length of the smallest subnet; Azure reserves five addresses of each subnet."""
DELEGATIONS: Final = frozenset(
    {
        "Microsoft.DBforPostgreSQL/flexibleServers",
        "Microsoft.DBforMySQL/flexibleServers",
        "Microsoft.ContainerInstance/containerGroups",
        "Microsoft.ContainerService/managedClusters",
        "Microsoft.Web/serverFarms",
        "Microsoft.App/environments",
        "Microsoft.ServiceNetworking/trafficControllers",
        "Microsoft.Netapp/volumes",
    }
)
"""Services to which a subnet can be delegated; a selection."""


class VirtualNetwork(ArmKind):
    """A virtual network. Subnets are separate resources here."""

    token = NETWORK
    name = "virtualNetworkName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/virtualNetworks/{virtualNetworkName}"
    grammar = Grammar(
        pattern=r"[A-Za-z0-9][\w.-]{0,62}\w",
        words="2 to 64 letters, digits, underscores, dots and hyphens, from a letter or digit to a letter, digit or _",
    )
    required = ("addressSpace", "addressSpace.addressPrefixes")

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of the address ranges."""
        yield from super().faults(inputs, config)
        if inputs.get("subnets"):
            yield "subnets", "is not modelled here: use Subnet resources"
        for index, prefix in enumerate(_prefixes(inputs)):
            yield from prefix_faults(f"addressSpace.addressPrefixes[{index}]", prefix)

    def change(self, call: Call) -> None:
        """Refuse to remove ranges that a subnet uses."""
        super().change(call)
        ranges = [ip_network(prefix) for prefix in _prefixes(call.inputs)]
        for subnet in _subnets(call, call.id):
            if not all(_inside(network, ranges) for network in networks_of(subnet)):
                raise ArmError(
                    400,
                    "InUsePrefixCannotBeDeleted",
                    f"IpPrefix of subnet {subnet.id} is in use and cannot be deleted from {call.id}.",
                )

    def outputs(self, call: Call) -> dict[str, Any]:
        """The outputs of a new network."""
        return {
            "etag": f'W/"{uid(call.id)}"',
            "resourceGuid": uid(call.id),
            "enableDdosProtection": call.get("enableDdosProtection", False),
            "privateEndpointVNetPolicies": call.get("privateEndpointVNetPolicies", "Disabled"),
            "subnets": [],
            "virtualNetworkPeerings": [],
        }

    def release(self, call: Call) -> None:
        """Its subnets are deleted with it; refuse if one is in use."""
        for subnet in _subnets(call, call.id):
            users = call.world.users(subnet, "holds")
            if users:
                raise subnet_in_use(subnet.id, users[0])


class Subnet(ArmKind):
    """A subnet."""

    token = SUBNET
    name = "subnetName"
    path = f"{VirtualNetwork.path}/subnets/{{subnetName}}"
    parent = NETWORK
    grammar = NAME
    references = (
        Reference(path="networkSecurityGroup.id", to=(SECURITY_GROUP,)),
        Reference(path="natGateway.id", to=(NAT_GATEWAY,)),
    )

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of missing, duplicate or too small address ranges."""
        yield from super().faults(inputs, config)
        one, several = inputs.get("addressPrefix"), inputs.get("addressPrefixes")
        if one is None and several is None:
            yield "addressPrefix", "is required, or addressPrefixes is"
        if one is not None and several is not None:
            yield "addressPrefix", "and addressPrefixes exclude each other"
        prefixes = [("addressPrefix", one)] if one is not None else []
        prefixes += [(f"addressPrefixes[{index}]", prefix) for index, prefix in enumerate(several or [])]
        for path, prefix in prefixes:
            yield from prefix_faults(path, prefix)
            if not list(prefix_faults(path, prefix)) and not is_unknown(prefix) and _is_small(prefix):
                yield path, f"is smaller than /{SMALLEST_SUBNET}, the smallest subnet"
        for index, delegation in enumerate(inputs.get("delegations") or []):
            service = delegation.get("serviceName")
            if not is_unknown(service) and service not in DELEGATIONS:
                yield f"delegations[{index}].serviceName", f"is {service!r}, no service that takes subnets"

    def accept(self, call: Call) -> None:
        """Refuse a concurrent operation on the network's subnets; the plugin retries."""
        refuse_busy(call, parent_id(call.id), _another_operation(parent_id(call.id)))
        super().accept(call)
        mark(call, parent_id(call.id), self.token, "create")

    def check(self, call: Call) -> None:
        """Refuse ranges outside the network or of another subnet, and references to another location."""
        network = call.world.get(NETWORK, parent_id(call.id))
        if network is None:
            return
        own = [ip_network(prefix) for prefix in subnet_prefixes(call.inputs)]
        ranges = [ip_network(prefix) for prefix in _prefixes(network.inputs)]
        if not all(_inside(each, ranges) for each in own):
            raise ArmError(
                400,
                "NetcfgInvalidSubnet",
                f"Subnet '{name_of(call.id)}' is not valid in virtual network '{name_of(network.id)}'.",
            )
        for other in _subnets(call, network.id):
            if other.id != call.id and any(a.overlaps(b) for a in own for b in networks_of(other)):
                raise ArmError(
                    400,
                    "NetcfgSubnetRangesOverlap",
                    f"Subnet '{name_of(call.id)}' is not valid because its IP address range overlaps with that of an "
                    f"existing subnet in virtual network '{name_of(network.id)}'.",
                )
        for token, path in ((SECURITY_GROUP, "networkSecurityGroup.id"), (NAT_GATEWAY, "natGateway.id")):
            used = call.world.get(token, str(call.get(path, "")))
            if used is not None and place_of(used) != place_of(network):
                raise self.missing(call, self.references[0], used.id)

    def change(self, call: Call) -> None:
        """Refuse changes of the range and delegation of a subnet in use."""
        refuse_busy(call, parent_id(call.id), _another_operation(parent_id(call.id)))
        super().change(call)
        item = call.item
        if item is None:
            return
        users = call.world.users(item, "holds")
        if users and subnet_prefixes(item.inputs) != subnet_prefixes(call.inputs):
            raise ArmError(
                400,
                "InUsePrefixCannotBeDeleted",
                f"IpPrefix {','.join(subnet_prefixes(item.inputs))} on Subnet {name_of(call.id)} has active "
                "allocations and cannot be deleted.",
            )
        if users and services(item.inputs) != services(call.inputs):
            raise ArmError(
                400,
                "SubnetDelegationsCannotChangeWhenSubnetUsedByResource",
                f"Delegations of subnet {call.id} cannot be changed from [{','.join(services(item.inputs))}] to "
                f"[{','.join(services(call.inputs))}] because it is being used by the resource {users[0].id}.",
            )
        if changed(call, "defaultOutboundAccess"):
            raise ArmError(
                400,
                "DefaultOutboundConnectivityCannotBeChanged",
                f"defaultOutboundAccess of subnet {call.id} can only be set when it is created.",
            )
        mark(call, parent_id(call.id), self.token, "update")

    def outputs(self, call: Call) -> dict[str, Any]:
        """Azure's additions."""
        delegations = [
            {
                **delegation,
                "id": f"{call.id}/delegations/{delegation.get('name')}",
                "actions": ["Microsoft.Network/virtualNetworks/subnets/join/action"],
                "provisioningState": "Succeeded",
                "type": "Microsoft.Network/virtualNetworks/subnets/delegations",
            }
            for delegation in call.get("delegations", [])
        ]
        mark(call, parent_id(call.id), "", "")
        return {
            "etag": f'W/"{uid(call.id)}"',
            "delegations": delegations,
            "privateEndpointNetworkPolicies": call.get("privateEndpointNetworkPolicies", "Disabled"),
            "privateLinkServiceNetworkPolicies": call.get("privateLinkServiceNetworkPolicies", "Enabled"),
        }

    def gone(self, call: Call) -> None:
        """The network is not busy any more."""
        mark(call, parent_id(call.id), "", "")

    def release(self, call: Call) -> None:
        """Refuse a concurrent operation on the network's subnets, and the deletion of a subnet in use.

        The plugin retries after the first refusal, but not after the second one.
        """
        if lingers(call, call.id):
            raise subnet_in_use(call.id, None)
        refuse_busy(call, parent_id(call.id), _another_operation(parent_id(call.id)))
        mark(call, parent_id(call.id), self.token, "delete")

    def released(self, call: Call, holder: Item) -> ArmError:
        """Refuse to delete a subnet in use."""
        return subnet_in_use(call.id, holder)


class NetworkSecurityGroup(ArmKind):
    """A network security group with its rules."""

    token = SECURITY_GROUP
    name = "networkSecurityGroupName"
    path = (
        "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/networkSecurityGroups/"
        "{networkSecurityGroupName}"
    )
    grammar = NAME
    required = tuple(f"securityRules[*].{name}" for name in ("name", "access", "direction", "protocol", "priority"))

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of missing sources and destinations, and of duplicate priorities."""
        yield from super().faults(inputs, config)
        seen: set[tuple[str, int]] = set()
        for index, rule in enumerate(inputs.get("securityRules") or []):
            path = f"securityRules[{index}]"
            priority = rule.get("priority")
            if isinstance(priority, int) and not 100 <= priority <= 4096:
                yield f"{path}.priority", f"is {priority}, not between 100 and 4096"
            if (rule.get("direction"), priority) in seen:
                yield f"{path}.priority", f"is {priority}, as of another {rule.get('direction')} rule"
            seen.add((str(rule.get("direction")), priority))
            for what in ("sourcePortRange", "destinationPortRange", "sourceAddressPrefix", "destinationAddressPrefix"):
                several = f"{what}es" if what.endswith("x") else f"{what}s"
                others = {"sourceAddressPrefix": "sourceApplicationSecurityGroups"}
                if not any(rule.get(key) for key in (what, several, others.get(what, ""))):
                    yield f"{path}.{what}", f"is required, or {several} is"

    def outputs(self, call: Call) -> dict[str, Any]:
        """Azure's additions."""
        rules = [
            {**rule, "id": f"{call.id}/securityRules/{rule['name']}", "provisioningState": "Succeeded"}
            for rule in call.get("securityRules", [])
        ]
        return {
            "etag": f'W/"{uid(call.id)}"',
            "resourceGuid": uid(call.id),
            "securityRules": rules,
            "defaultSecurityRules": [_default_rule(call.id, *each) for each in _DEFAULT_RULES],
        }

    def released(self, call: Call, holder: Item) -> ArmError:
        """Refuse to delete a group that a subnet uses."""
        return ArmError(
            400,
            "InUseNetworkSecurityGroupCannotBeDeleted",
            f"Network security group {call.id} cannot be deleted because it is in use by the following resources: "
            f"{holder.id}.",
        )


_DEFAULT_RULES: Final = (
    ("AllowVnetInBound", "Allow", "Inbound", 65000, "VirtualNetwork", "VirtualNetwork"),
    ("AllowAzureLoadBalancerInBound", "Allow", "Inbound", 65001, "AzureLoadBalancer", "*"),
    ("DenyAllInBound", "Deny", "Inbound", 65500, "*", "*"),
    ("AllowVnetOutBound", "Allow", "Outbound", 65000, "VirtualNetwork", "VirtualNetwork"),
    ("AllowInternetOutBound", "Allow", "Outbound", 65001, "*", "Internet"),
    ("DenyAllOutBound", "Deny", "Outbound", 65500, "*", "*"),
)


def _default_rule(
    group: str, name: str, access: str, direction: str, priority: int, source: str, destination: str
) -> dict[str, Any]:
    return {
        "id": f"{group}/defaultSecurityRules/{name}",
        "name": name,
        "access": access,
        "direction": direction,
        "priority": priority,
        "protocol": "*",
        "sourceAddressPrefix": source,
        "sourcePortRange": "*",
        "destinationAddressPrefix": destination,
        "destinationPortRange": "*",
        "provisioningState": "Succeeded",
    }


def prefix_faults(path: str, prefix: Any) -> Iterator[Fault]:
    """The error of an address range."""
    if is_unknown(prefix):
        return
    try:
        IPv4Network(prefix)
    except ValueError as error:
        yield path, f"is {prefix!r}: {error}"


def subnet_prefixes(inputs: Mapping[str, Any]) -> list[str]:
    """The ranges of a subnet."""
    return list(inputs.get("addressPrefixes") or [inputs["addressPrefix"]])


def networks_of(subnet: Item) -> list[IPv4Network]:
    """The ranges of a subnet."""
    return [IPv4Network(prefix) for prefix in subnet_prefixes(subnet.inputs)]


def services(inputs: Mapping[str, Any]) -> list[str]:
    """The services to which a subnet is delegated."""
    return [str(each.get("serviceName")) for each in inputs.get("delegations") or []]


def leave_association(call: Call, subnet: str | None) -> None:
    """Keep a deleted server's service association in its subnet for some time.

    https://github.com/hashicorp/terraform-provider-azurerm/issues/15728 and pull request 24593 there, which has the DNS
    link deleted before the subnet for this.
    """
    if subnet:
        linger(call, subnet, ASSOCIATION_SECONDS)


def subnet_in_use(subnet: str, holder: Item | None) -> ArmError:
    """The refusal to delete a subnet, with its user in Azure's form; None means a deleted server."""
    used_by = holder.id if holder is not None else ""
    if holder is None or holder.type.endswith(":dbforpostgresql:Server"):
        used_by = f"{subnet}/serviceAssociationLinks/{name_of(subnet)}-service-association-link"
    elif ":containerservice:" in holder.type:
        pool = (holder.inputs.get("agentPoolProfiles") or [{"name": name_of(holder.id)}])[0]["name"]
        group = holder.outputs.get("nodeResourceGroup") or group_of(holder.id)
        used_by = (
            f"{'/'.join(subnet.split('/')[:3])}/resourceGroups/{group}/providers/Microsoft.Compute/"
            f"virtualMachineScaleSets/aks-{pool}-vmss/virtualMachines/0/networkInterfaces/aks-{pool}/ipConfigurations/"
            "ipconfig1"
        )
    return ArmError(
        400,
        "InUseSubnetCannotBeDeleted",
        f"Subnet {name_of(subnet)} is in use by {used_by} and cannot be deleted. In order to delete the subnet, delete "
        "all the resources within the subnet. See aka.ms/deletesubnet.",
    )


def _is_small(prefix: str) -> bool:
    return ip_network(prefix).prefixlen > SMALLEST_SUBNET


def _prefixes(inputs: Mapping[str, Any]) -> list[str]:
    return list((inputs.get("addressSpace") or {}).get("addressPrefixes") or [])


def _inside(network: Any, ranges: list[Any]) -> bool:
    return any(network.subnet_of(each) for each in ranges)


def _subnets(call: Call, network: str) -> list[Item]:
    return [item for item in call.world.of(SUBNET) if parent_id(item.id) == network]


def _another_operation(network: str) -> ArmError:
    return ArmError(
        409,
        "AnotherOperationInProgress",
        f"Another operation on this or dependent resource is in progress. To retrieve status of the operation use uri: "
        f"{network}.",
        retry=True,
    )
