"""Private DNS zones and their links to networks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from lab.clouds.azure.arm import ArmError, ArmKind, name_of, parent_id, uid
from lab.clouds.azure.network import NAME, NETWORK
from lab.clouds.inventory import Item, World
from lab.clouds.kind import Call, Grammar, Reference, Relation

ZONE: Final = "azure-native:privatedns:PrivateZone"
LINK: Final = "azure-native:privatedns:VirtualNetworkLink"
_LABEL: Final = r"[A-Za-z0-9_]([\w-]{0,61}[A-Za-z0-9_])?"
DNS_TAGS_MAX: Final = 15
DNS_TAG: Final = re.compile(r"[A-Za-z][\w.-]*", re.ASCII)
GLOBAL: Final = frozenset({"global"})


class PrivateZone(ArmKind):
    """A private DNS zone."""

    token = ZONE
    name = "privateZoneName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/privateDnsZones/{privateZoneName}"
    grammar = Grammar(
        pattern=rf"{_LABEL}(\.{_LABEL}){{1,33}}",
        words="2 to 34 labels of 1 to 63 letters, digits and hyphens, with dots",
    )
    places = GLOBAL
    tags_max = DNS_TAGS_MAX
    tag_name = DNS_TAG

    def outputs(self, call: Call) -> dict[str, Any]:
        """Its limits."""
        return {**self.observe(call), "etag": uid(call.id), "internalId": f"SW1tdXRhYmxl{uid(call.id)}"}

    def observe(self, call: Call) -> dict[str, Any]:
        """The current number of links."""
        links = [item for item in call.world.of(LINK) if parent_id(item.id) == call.id]
        registering = [item for item in links if item.inputs.get("registrationEnabled")]
        return {
            "maxNumberOfRecordSets": 25000,
            "maxNumberOfVirtualNetworkLinks": 1000,
            "maxNumberOfVirtualNetworkLinksWithRegistration": 100,
            "numberOfRecordSets": 1,
            "numberOfVirtualNetworkLinks": len(links),
            "numberOfVirtualNetworkLinksWithRegistration": len(registering),
        }

    def released(self, call: Call, holder: Item) -> ArmError:
        """Refuse to delete a zone with links or one that a server uses."""
        nested = "/".join(["Microsoft.Network/privateDnsZones", *holder.id.split("/")[-3:]])
        return ArmError(
            409,
            "CannotDeleteResource",
            f"Cannot delete resource while nested resources exist. Some existing nested resource IDs include: "
            f"'{nested}'. Please delete all nested resources before deleting this resource.",
        )


class VirtualNetworkLink(ArmKind):
    """A link of a zone to a network."""

    token = LINK
    name = "virtualNetworkLinkName"
    path = f"{PrivateZone.path}/virtualNetworkLinks/{{virtualNetworkLinkName}}"
    grammar = NAME
    required = ("virtualNetwork", "virtualNetwork.id", "registrationEnabled")
    places = GLOBAL
    tags_max = DNS_TAGS_MAX
    tag_name = DNS_TAG
    references = (Reference(path="virtualNetwork.id", to=(NETWORK,), way="ignores"),)

    def relations(self, call: Call) -> Iterator[Relation]:
        """Its zone cannot be deleted before it; it is deleted with its resource group."""
        yield from super().relations(call)
        zone = call.world.get(ZONE, parent_id(call.id))
        if zone is None:
            raise ArmError(
                404,
                "ParentResourceNotFound",
                f"Can not perform requested operation on nested resource. Parent resource "
                f"'{name_of(parent_id(call.id))}' not found.",
            )
        yield zone, "holds"

    def check(self, call: Call) -> None:
        """Refuse a second zone with the same name in a network, and a second auto-registration."""
        network, zone = call.get("virtualNetwork.id"), name_of(parent_id(call.id))
        for other in call.world.of(LINK):
            if other.id == call.id or other.inputs["virtualNetwork"]["id"] != network:
                continue
            if name_of(parent_id(other.id)) == zone:
                raise ArmError(
                    400,
                    "BadRequest",
                    f"A virtual network cannot be linked to multiple zones with overlapping namespaces. You tried to "
                    f"link virtual network with '{zone}' and '{name_of(parent_id(other.id))}' zones.",
                )
            if call.get("registrationEnabled") and other.inputs.get("registrationEnabled"):
                raise ArmError(
                    409,
                    "Conflict",
                    f"A virtual network can only be linked to 1 Private DNS zone(s) with auto-registration enabled; "
                    f"conflicting Private DNS zone is '{name_of(parent_id(other.id))}'.",
                )

    def change(self, call: Call) -> None:
        """Refuse another network."""
        super().change(call)
        if call.item is not None and call.item.inputs["virtualNetwork"] != call.inputs["virtualNetwork"]:
            raise ArmError(400, "BadRequest", "The virtual network of a virtual network link cannot be changed.")

    def outputs(self, call: Call) -> dict[str, Any]:
        """The state of a completed link."""
        return {
            "etag": f'"{uid(call.id)}"',
            "virtualNetworkLinkState": "Completed",
            "registrationEnabled": call.get("registrationEnabled", False),
        }


def linked(world: World, zone: str, network: str) -> bool:
    """Whether a zone is linked to a network."""
    return any(
        parent_id(item.id) == zone and item.inputs["virtualNetwork"]["id"] == network and item.ready
        for item in world.of(LINK)
    )
