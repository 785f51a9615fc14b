"""Public addresses and NAT gateways."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, changed, name_of, normal, place_of, uid
from lab.clouds.azure.busy import detach, linger, lingers
from lab.clouds.azure.catalogue import ZONES
from lab.clouds.azure.cluster_work import CLUSTER
from lab.clouds.azure.network import NAME, NAT_GATEWAY
from lab.clouds.backing import invented_address
from lab.clouds.inventory import Item
from lab.clouds.kind import Call, Reference
from lab.clouds.schema_check import Fault

ADDRESS: Final = "azure-native:network:PublicIPAddress"
ADDRESS_SECONDS: Final = 150.0
"""Time for which a load balancer keeps an address after its Service was deleted: a guess."""
LEAST_SECONDS: Final = 3.0
"""Minimum of this time here, so that the next attempt is refused, too."""


class PublicIPAddress(ArmKind):
    """A public IP address."""

    token = ADDRESS
    name = "publicIpAddressName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/publicIPAddresses/{publicIpAddressName}"
    grammar = NAME
    immutable = ("publicIPAddressVersion", "publicIPPrefix", "sku")

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of timeouts out of range."""
        yield from super().faults(inputs, config)
        idle = inputs.get("idleTimeoutInMinutes")
        if isinstance(idle, int) and not 4 <= idle <= 30:
            yield "idleTimeoutInMinutes", f"is {idle}, not between 4 and 30"

    def check(self, call: Call) -> None:
        """Refuse dynamic standard addresses, and basic ones, which are retired."""
        if call.get("sku.name", "Basic") == "Basic":
            raise ArmError(
                400,
                "BasicSkuPublicIpCreationNotAllowed",
                f"Public IP address {call.id} has the SKU Basic, which is retired; use Standard.",
            )
        if call.get("publicIPAllocationMethod", "Dynamic") != "Static":
            raise ArmError(
                400,
                "StandardSkuPublicIPAddressMustBeStatic",
                f"Standard sku publicIp {call.id} must have AllocationMethod set to Static.",
            )
        zones = call.get("zones", [])
        if zones and len(zones) not in (1, len(ZONES)):
            raise ArmError(
                400,
                "InvalidAvailabilityZone",
                f"Public IP address {call.id} has zones {','.join(zones)}: name one zone, or all of them.",
            )
        label = call.get("dnsSettings.domainNameLabel")
        for other in call.world.of(self.token):
            same = Call.get(_like(call, other), "dnsSettings.domainNameLabel") == label
            if label and same and other.id != call.id and place_of(other) == normal(str(call.get("location"))):
                raise ArmError(400, "DnsRecordInUse", f"DNS record {label} is already used by another public IP.")

    def change(self, call: Call) -> None:
        """Refuse another set of zones."""
        super().change(call)
        refuse_zone_change(call)

    def outputs(self, call: Call) -> dict[str, Any]:
        """The address."""
        address = {"ipAddress": invented_address(call.id, "20.50")} if call.get("ipAddress") is None else {}
        label = call.get("dnsSettings.domainNameLabel")
        fqdn = f"{label}.{normal(str(call.get('location')))}.cloudapp.azure.com"
        names = {"dnsSettings": {**call.inputs["dnsSettings"], "fqdn": fqdn}} if label else {}
        return {
            **address,
            **names,
            "etag": f'W/"{uid(call.id)}"',
            "resourceGuid": uid(call.id),
            "idleTimeoutInMinutes": call.get("idleTimeoutInMinutes", 4),
            "publicIPAddressVersion": call.get("publicIPAddressVersion", "IPv4"),
            "sku": {"tier": "Regional", **call.get("sku", {})},
            "ipTags": call.get("ipTags", []),
        }

    def release(self, call: Call) -> None:
        """Refuse while a cluster's load balancer uses it, which is deleted with the cluster.

        The load balancer keeps an address for a while after the Gateway's Service was deleted. The simulation does not
        see Services: the first attempt to delete the address starts that time.
        """
        attached = detach(call, call.id)
        if not call.world.of(CLUSTER):
            return
        if attached:
            linger(call, call.id, ADDRESS_SECONDS, least_seconds=LEAST_SECONDS)
        if lingers(call, call.id):
            raise _allocated(call.id, "kubernetes/frontendIPConfigurations/front")

    def released(self, call: Call, holder: Item) -> ArmError:
        """Refuse to delete an address in use."""
        return _allocated(call.id, holder.id)


def _allocated(address: str, user: str) -> ArmError:
    return ArmError(
        400,
        "PublicIPAddressCannotBeDeleted",
        f"Public IP address {address} can not be deleted since it is still allocated to resource {user}. In order to "
        "delete the public IP, disassociate/detach the Public IP address from the resource. To learn how to do this, "
        "see aka.ms/deletepublicip.",
    )


class NatGateway(ArmKind):
    """A NAT gateway."""

    token = NAT_GATEWAY
    name = "natGatewayName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/natGateways/{natGatewayName}"
    grammar = NAME
    required = ("sku", "sku.name")
    references = (Reference(path="publicIpAddresses[*].id", to=(ADDRESS,)),)
    immutable = ("sku",)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of timeouts out of range."""
        yield from super().faults(inputs, config)
        idle = inputs.get("idleTimeoutInMinutes")
        if isinstance(idle, int) and not 4 <= idle <= 120:
            yield "idleTimeoutInMinutes", f"is {idle}, not between 4 and 120"

    def check(self, call: Call) -> None:
        """Refuse several zones, and addresses in another zone or in use."""
        zones = call.get("zones", [])
        if len(zones) > 1:
            raise ArmError(
                400,
                "InvalidAvailabilityZone",
                f"NAT gateway {call.id} has zones {','.join(zones)}: a NAT gateway is in one zone, or in none.",
            )
        for entry in call.get("publicIpAddresses", []):
            address = call.world.get(ADDRESS, str(entry.get("id")))
            if address is None:
                continue
            users = [user for user in call.world.users(address, "holds") if user.id != call.id]
            if users:
                raise ArmError(
                    400,
                    "PublicIPAddressInUse",
                    f"Resource {call.id} is referencing public IP address {address.id} that is already allocated to "
                    f"resource {users[0].id}.",
                )
            if place_of(address) != normal(str(call.get("location"))):
                raise self.missing(call, self.references[0], address.id)
            theirs = address.inputs.get("zones") or []
            if zones and theirs and not set(zones) <= set(theirs):
                raise ArmError(
                    400,
                    "NatGatewayAndPublicIPAvailabilityZonesMismatch",
                    f"NAT gateway {name_of(call.id)} is in zone {zones[0]}, public IP address {name_of(address.id)} in "
                    f"zones {','.join(theirs)}.",
                )

    def change(self, call: Call) -> None:
        """Refuse another set of zones."""
        super().change(call)
        refuse_zone_change(call)

    def outputs(self, call: Call) -> dict[str, Any]:
        """Azure's additions."""
        return {
            "etag": f'W/"{uid(call.id)}"',
            "resourceGuid": uid(call.id),
            "idleTimeoutInMinutes": call.get("idleTimeoutInMinutes", 4),
            "subnets": [],
        }

    def released(self, call: Call, holder: Item) -> ArmError:
        """Refuse to delete a gateway that a subnet uses."""
        return ArmError(
            400,
            "InUseNatGatewayCannotBeDeleted",
            f"Nat Gateway {call.id} is in use by subnet {holder.id} and cannot be deleted.",
        )


def refuse_zone_change(call: Call) -> None:
    """Refuse a change of zones.

    Raises:
        ArmError: ResourceAvailabilityZonesCannotBeModified.
    """
    if changed(call, "zones"):
        raise ArmError(
            400,
            "ResourceAvailabilityZonesCannotBeModified",
            f"Resource {call.id} has an existing availability zone constraint and the request has another one, which "
            "do not match. Zones cannot be added/updated/removed once the resource is created.",
        )


def _like(call: Call, item: Item) -> Call:
    return Call(inputs=item.inputs, config=call.config, world=call.world, backing=call.backing)
