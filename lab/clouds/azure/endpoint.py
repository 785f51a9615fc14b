"""Private endpoints of services, and their DNS names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from lab.clouds.azure.arm import ArmError, ArmKind, at_scope, name_of, normal, parent_id, place_of, uid
from lab.clouds.azure.dns import ZONE
from lab.clouds.azure.network import NAME, NETWORK, SUBNET, services
from lab.clouds.kind import Call, Grammar, Reference
from lab.clouds.schema_check import Fault

ENDPOINT: Final = "azure-native:network:PrivateEndpoint"
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "azure-native:storage:StorageAccount": ("blob", "dfs", "file", "queue", "table", "web"),
    "azure-native:containerregistry:Registry": ("registry",),
    "azure-native:dbforpostgresql:Server": ("postgresqlServer",),
}
"""Subresources that can have a private endpoint, by type."""


class PrivateEndpoint(ArmKind):
    """A private endpoint of one subresource of a service."""

    token = ENDPOINT
    name = "privateEndpointName"
    path = "resourceGroups/{resourceGroupName}/providers/Microsoft.Network/privateEndpoints/{privateEndpointName}"
    grammar = Grammar(
        pattern=r"[A-Za-z0-9][\w.-]{0,62}\w",
        words="2 to 64 letters, digits, underscores, dots and hyphens, from a letter or digit to a letter, digit or _",
    )
    required = ("subnet", "subnet.id")
    references = (Reference(path="subnet.id", to=(SUBNET,)),)
    immutable = ("subnet",)
    computed: ClassVar[tuple[str, ...]] = ("privateLinkServiceConnections[*].privateLinkServiceConnectionState",)

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of missing connections."""
        yield from super().faults(inputs, config)
        ways = [inputs.get(f"{each}rivateLinkServiceConnections") for each in ("p", "manualP")]
        if sum(len(way or []) for way in ways) != 1:
            yield "privateLinkServiceConnections", "has to have 1 entry, or manualPrivateLinkServiceConnections"

    def check(self, call: Call) -> None:
        """Refuse missing targets and subresources, subnets in another location, and delegated subnets."""
        for connection in call.get("privateLinkServiceConnections", []):
            target = at_scope(call.world, str(connection.get("privateLinkServiceId")))
            if target is None:
                raise self.missing(call, self.references[0], str(connection.get("privateLinkServiceId")))
            parts = PARTS.get(target.type, ())
            asked = connection.get("groupIds") or []
            if len(asked) != 1 or asked[0] not in parts:
                raise ArmError(
                    400,
                    "PrivateEndpointUnsupportedGroupId",
                    f"Call to {target.id} failed. Error message: The GroupId {','.join(asked)} is not one of "
                    f"{','.join(parts)}.",
                )
        subnet = call.world.get(SUBNET, str(call.get("subnet.id")))
        network = call.world.get(NETWORK, parent_id(subnet.id)) if subnet else None
        if subnet is not None and services(subnet.inputs):
            raise ArmError(
                400,
                "PrivateEndpointCannotBeCreatedInSubnetThatHasDelegation",
                f"Private endpoint {call.id} cannot be created as subnet {subnet.id} is delegated.",
            )
        if network is not None and place_of(network) != normal(str(call.get("location"))):
            raise self.missing(call, self.references[0], str(call.get("subnet.id")))

    def outputs(self, call: Call) -> dict[str, Any]:
        """It is approved automatically, because the subscription is the same."""
        state = {"status": "Approved", "description": "Auto-Approved", "actionsRequired": "None"}
        return {
            "etag": f'W/"{uid(call.id)}"',
            "privateLinkServiceConnections": [
                {
                    **each,
                    "id": f"{call.id}/privateLinkServiceConnections/{each.get('name')}",
                    "privateLinkServiceConnectionState": state,
                    "provisioningState": "Succeeded",
                }
                for each in call.get("privateLinkServiceConnections", [])
            ],
            "manualPrivateLinkServiceConnections": [],
            "customDnsConfigs": [],
            "networkInterfaces": [{"id": call.id.replace("/privateEndpoints/", "/networkInterfaces/") + ".nic"}],
        }


class PrivateDnsZoneGroup(ArmKind):
    """The DNS zone group of a private endpoint."""

    token = "azure-native:network:PrivateDnsZoneGroup"  # noqa: S105 - the token of a type
    name = "privateDnsZoneGroupName"
    path = f"{PrivateEndpoint.path}/privateDnsZoneGroups/{{privateDnsZoneGroupName}}"
    parent = ENDPOINT
    grammar = NAME
    references = (Reference(path="privateDnsZoneConfigs[*].privateDnsZoneId", to=(ZONE,), way="ignores"),)
    computed: ClassVar[tuple[str, ...]] = ("privateDnsZoneConfigs[*].recordSets",)

    def check(self, call: Call) -> None:
        """Refuse a second zone group."""
        others = [
            item
            for item in call.world.of(self.token)
            if parent_id(item.id) == parent_id(call.id) and item.id != call.id
        ]
        if others:
            raise ArmError(
                400,
                "PrivateEndpointAlreadyHasZoneGroup",
                f"Private endpoint {parent_id(call.id)} has a private DNS zone group already: {name_of(others[0].id)}.",
            )

    def outputs(self, call: Call) -> dict[str, Any]:
        """The DNS records that are created."""
        return {
            "etag": f'W/"{uid(call.id)}"',
            "privateDnsZoneConfigs": [{**each, "recordSets": []} for each in call.get("privateDnsZoneConfigs", [])],
        }
