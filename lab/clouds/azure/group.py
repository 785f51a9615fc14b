"""Resource groups, with which all other resources are deleted."""

from __future__ import annotations

from typing import Any

from lab.clouds.azure.arm import GROUP, ArmError, ArmKind, subscription
from lab.clouds.inventory import Item, World
from lab.clouds.kind import Call, Grammar


class ResourceGroup(ArmKind):
    """A resource group."""

    token = GROUP
    name = "resourceGroupName"
    path = "resourceGroups/{resourceGroupName}"
    grammar = Grammar(
        pattern=r"[\w.()-]{0,89}[\w()-]",
        words="1 to 90 letters, digits, underscores, hyphens, parentheses and dots, the last no dot",
    )
    required = ("location",)
    settles = False

    @property
    def arm_type(self) -> str:
        """The id of a resource group contains no provider."""
        return "Microsoft.Resources/resourceGroups"

    def outputs(self, call: Call) -> dict[str, Any]:
        """The state of an existing group."""
        return {"properties": {"provisioningState": "Succeeded"}}

    def release(self, call: Call) -> None:
        """Everything in it is deleted with it, unless a resource elsewhere uses something in it."""
        if call.item is None:
            return
        inside = everything_with(call.world, call.item)
        keys = {item.key for item in inside}
        for item in inside:
            users = [other for other in call.world.users(item, "holds") if other.key not in keys]
            if users:
                raise ArmError(
                    409,
                    "ResourceGroupDeletionBlocked",
                    f"Deletion of resource group '{call.inputs['resourceGroupName']}' failed as resources with "
                    f"identifiers '{item.id}' could not be deleted: used by '{users[0].id}'.",
                )


def everything_with(world: World, item: Item) -> list[Item]:
    """An item and everything that is deleted with it."""
    found = [item]
    for each in found:
        found += [other for other in world.users(each, "goes_with") if other not in found]
    return found


def managed_group(call: Call, name: str, location: str, owner: Item) -> Item:
    """A resource group that a service creates for itself, and deletes with its resource."""
    item = Item(
        type=GROUP,
        id=f"{subscription(call)}/resourceGroups/{name}",
        urn="",
        inputs={"resourceGroupName": name, "location": location},
        outputs={"name": name, "location": location, "managedBy": owner.id},
        uses={owner.key: "goes_with"},
        created=owner.created,
        ready=owner.created,
    )
    call.world.add(item)
    return item
