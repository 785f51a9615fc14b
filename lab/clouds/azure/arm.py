"""What all Azure resources have in common: ids, names, places, parents, locks and the words of a refusal."""

from __future__ import annotations

import hashlib
import random
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Final, Literal

from lab.clouds.azure.catalogue import LOCATIONS, ZONED, ZONES
from lab.clouds.azure.policy import added_tags, missing_tags
from lab.clouds.inventory import Item, World
from lab.clouds.kind import ApiError, Call, Kind, Known, Reference, Relation
from lab.clouds.schema import resource
from lab.clouds.schema_check import Fault
from lab.clouds.schema_text import package_folder, resource_module, text_of
from lab.engine.provider_values import is_unknown

GROUP: Final = "azure-native:resources:ResourceGroup"
LOCK: Final = "azure-native:authorization:ManagementLockByScope"
TENANT: Final = str(uuid.uuid5(uuid.NAMESPACE_DNS, "tenant.simulated.azure"))
"""The one directory of the simulated Azure."""
OPERATOR: Final = str(uuid.uuid5(uuid.NAMESPACE_URL, "operator"))
"""The person of that directory who runs the program."""
_PARAMETER: Final = re.compile(r"{(\w+)}")
_VERSION: Final = re.compile(r"Uses Azure REST API version ([\w-]+)")
TAG_VALUE_MAX: Final = 256

Naming = Literal["random", "copy", "uuid"]


class ArmError(ApiError):
    """A refusal in the form of Azure Resource Manager: a status, a word for machines and a sentence."""

    def __init__(self, code: int, reason: str, message: str, *, retry: bool | None = None) -> None:
        super().__init__(code, message, reason=reason, retry=retry)


class ArmKind(Kind):
    """One resource type of Azure. A subclass sets `path` and overrides what else its API insists on."""

    path: ClassVar[str]
    """Below the subscription, with inputs in braces."""
    parent: ClassVar[str] = ""
    """Token of the type that the id goes on from; "" for what stands in a resource group, or nowhere."""
    places: ClassVar[frozenset[str]] = LOCATIONS
    """The locations it can be in, where it has one."""
    tags_max: ClassVar[int] = 50
    tag_name_max: ClassVar[int] = 512
    tag_name: ClassVar[re.Pattern[str]] = re.compile(r"[^<>%&\\?/]+")
    """https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources"""
    settles: ClassVar[bool] = True
    singleton: ClassVar[bool] = False
    """Whether it is always there: making it changes it, deleting it gives it its defaults."""
    """Whether it has a `provisioningState`."""

    # -- names and places ---------------------------------------------------------------------------------------------

    @property
    def arm_type(self) -> str:
        """The type as Azure writes it, such as `Microsoft.Network/virtualNetworks`."""
        namespace, *rest = self.path.rpartition("providers/")[2].split("/")
        return "/".join([namespace, *rest[::2]])

    @property
    def parameters(self) -> tuple[str, ...]:
        """The inputs that its id is made of."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def naming(self) -> Naming:
        """How the plugin names one that the program does not name.

        The rule of azure-native: random characters behind the logical name for what stands by itself, the logical
        name as it is for what stands below something.
        """
        return "random" if self.path.rpartition("providers/")[2].count("{") == 1 else "copy"

    def automatic_name(self, logical: str, drawing: random.Random) -> str:
        """The name of one that the program does not name."""
        match self.naming:
            case "random":
                return f"{logical}{drawing.getrandbits(32):08x}"
            case "uuid":
                return str(uuid.UUID(int=drawing.getrandbits(128), version=4))
            case "copy":
                return logical

    def id(self, call: Call) -> str:
        """The id, as the request's address has it."""
        path = _PARAMETER.sub(lambda found: str(call.inputs[found[1]]), self.path)
        return f"{subscription(call)}/{path}"

    def owner(self, resource_id: str) -> str:
        """The id of what it goes with, where it has a parent."""
        return parent_id(resource_id)

    def names(self, call: Call) -> Sequence[str]:
        """Its own name, where it is told from all others by that."""
        return ()

    def located(self) -> bool:
        """Whether it has a location."""
        return "location" in resource(self.token).inputs

    def canonical(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Locations are the same in any spelling: "West Europe" is westeurope."""
        found = super().canonical(inputs)
        if isinstance(found.get("location"), str):
            found["location"] = normal(found["location"])
        return found

    def replaces(self, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
        """What an id is made of, and the location, never change in place."""
        return (*self.parameters, "location")

    # -- rules --------------------------------------------------------------------------------------------------------

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Tags are few, and what every type takes."""
        tags = inputs.get("tags") or {}
        if not isinstance(tags, Mapping):
            return
        if len(tags) > self.tags_max:
            yield "tags", f"has more than {self.tags_max} entries"
        for name, value in tags.items():
            if len(name) > self.tag_name_max or not self.tag_name.fullmatch(name):
                yield f"tags.{name}", "has a name that is too long here, or has characters that are not for tags"
            if isinstance(value, str) and not is_unknown(value) and len(value) > TAG_VALUE_MAX:
                yield f"tags.{name}", f"has more than {TAG_VALUE_MAX} characters"

    def relations(self, call: Call) -> Iterator[Relation]:
        """It goes with what it stands in.

        Raises:
            ApiError: that is not there.
        """
        if self.parent:
            owner = self.owner(call.id)
            item = call.world.get(self.parent, owner)
            if item is None:
                raise missing_parent(call.id, owner)
            yield item, "goes_with"
        elif "{resourceGroupName}" in self.path and self.token != GROUP:
            name = call.inputs["resourceGroupName"]
            item = call.world.get(GROUP, f"{subscription(call)}/resourceGroups/{name}")
            if item is None:
                raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{name}' could not be found.")
            yield item, "goes_with"

    def accept(self, call: Call) -> None:
        """Refuse a place where there is none, and a change of what is locked against writing."""
        self.refuse_lock(call, "write")
        self._refuse_by_policy(call)
        self.check_place(call)
        self.check(call)

    def change(self, call: Call) -> None:
        """Refuse what cannot change in place, and what a new one could not be."""
        self.refuse_lock(call, "write")
        self._refuse_by_policy(call)
        self.check(call)

    def check(self, call: Call) -> None:
        """Refuse what is wrong with a new one and a changed one alike."""

    def _refuse_by_policy(self, call: Call) -> None:
        if "tags" in resource(self.token).inputs and (missing := missing_tags(call.world, call.get("tags", {}))):
            raise ArmError(
                403,
                "RequestDisallowedByPolicy",
                f"Resource '{name_of(call.id)}' was disallowed by policy. Reasons: 'The tag {missing[0]} is required'.",
            )

    def kept(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        """With the tags that policies add."""
        added = added_tags(call.world)
        if not added or "tags" not in resource(self.token).inputs:
            return given
        return {**given, "tags": {**added, **(given.get("tags") or {})}}

    def refreshed(self, call: Call, found: dict[str, Any], known: Known) -> dict[str, Any]:
        """With the tags that somebody added since."""
        now, before = known.now.get("tags"), known.before.get("tags") or {}
        if not isinstance(now, Mapping) or not isinstance(found.get("tags"), Mapping):
            return found
        added = {name: value for name, value in now.items() if name not in before}
        left = {name: known.inputs["tags"][name] for name in known.inputs["tags"] if name in now}
        return {**found, "tags": {**left, **found["tags"], **added}}

    def keeps(self, call: Call) -> bool:
        """Refuse to delete what is locked."""
        self.refuse_lock(call, "write" if self.singleton else "delete")
        return False

    def check_place(self, call: Call) -> None:
        """Refuse a location or zones that there are not."""
        place = call.inputs.get("location")
        if not isinstance(place, str):
            return
        if normal(place) not in self.places:
            raise ArmError(
                400,
                "LocationNotAvailableForResourceType",
                f"The provided location '{place}' is not available for resource type '{self.arm_type}'. List of "
                f"available regions for the resource type is '{','.join(sorted(self.places))}'.",
            )
        zones = call.inputs.get("zones") or []
        refuse_zones(f"{self.arm_type}/{name_of(call.id)}", place, zones)

    def refuse_lock(self, call: Call, what: Literal["write", "delete"]) -> None:
        """Refuse what a lock on it, above it or (for a deletion) below it forbids.

        Raises:
            ArmError: ScopeLocked.
        """
        levels = ("ReadOnly",) if what == "write" else ("ReadOnly", "CanNotDelete")
        locked = [
            str(item.inputs["scope"])
            for item in call.world.of(LOCK)
            if item.inputs["level"] in levels
            and (within(call.id, item.inputs["scope"]) or (what == "delete" and within(item.inputs["scope"], call.id)))
        ]
        if locked:
            raise ArmError(
                409,
                "ScopeLocked",
                f"The scope '{call.id}' cannot perform {what} operation because following scope(s) are locked: "
                f"'{','.join(sorted(set(locked)))}'. Please remove the lock and try again.",
            )

    def missing(self, call: Call, reference: Reference, name: str) -> ApiError:
        """The refusal of a reference to what is not there."""
        return ArmError(
            400,
            "InvalidResourceReference",
            f"Resource {name} referenced by resource {call.id} was not found. Please make sure that the referenced "
            "resource exists, and that both resources are in the same region.",
        )

    def exists(self, call: Call) -> ApiError | None:
        """The plugin looks before it makes something, and does not adopt what is there."""
        if self.singleton:
            return None
        return ApiError(409, f"cannot create already existing resource '{call.id}'", retry=False)

    def released(self, call: Call, holder: Item) -> ApiError:
        """The refusal of a deletion while one thing uses it."""
        return ArmError(409, "ResourceInUse", f"Resource {call.id} is in use by {holder.id} and cannot be deleted.")

    def held(self, call: Call, holders: Sequence[Item]) -> ApiError:
        """The refusal of a deletion while others use it; Azure names one of them."""
        return self.released(call, min(holders, key=lambda holder: holder.id))


def subscription(call: Call) -> str:
    """The id of the subscription that the provider works in.

    Raises:
        ApiError: the provider has none.
    """
    found = call.config.get("subscriptionId")
    if not found:
        raise ApiError(
            401,
            "no subscription is configured: set azure-native:subscriptionId or the provider's subscriptionId",
            retry=False,
        )
    return f"/subscriptions/{found}"


def normal(location: str) -> str:
    """A location's name as Azure writes it."""
    return location.replace(" ", "").lower()


def name_of(resource_id: str) -> str:
    """The last part of an id."""
    return resource_id.rpartition("/")[2]


def parent_id(resource_id: str) -> str:
    """The id without its last type and name."""
    return resource_id.rsplit("/", 2)[0]


def group_of(resource_id: str) -> str:
    """The name of the resource group in an id, or ""."""
    found = re.match(r"/subscriptions/[^/]+/resourceGroups/([^/]+)", resource_id, re.IGNORECASE)
    return found[1] if found else ""


def within(resource_id: str, scope: str) -> bool:
    """Whether an id is a scope or stands in it."""
    inner, outer = resource_id.lower(), scope.lower().rstrip("/")
    return inner == outer or inner.startswith(f"{outer}/")


def at_scope(world: World, scope: str) -> Item | None:
    """The item with this id, of whatever type."""
    return next((item for item in world.items.values() if item.id.lower() == scope.lower().rstrip("/")), None)


def in_scope(world: World, scope: str, token: str) -> list[Item]:
    """The items of a type at or below an id."""
    return [item for item in world.of(token) if within(item.id, scope)]


def place_of(item: Item) -> str:
    """Where an item is."""
    return normal(str(item.inputs.get("location", "")))


def missing_parent(resource_id: str, owner: str) -> ArmError:
    """The refusal to make something below what is not there."""
    kind = owner.rsplit("/", 2)[1]
    return ArmError(
        404,
        "ParentResourceNotFound",
        f"Failed to perform 'write' on resource(s) of type '{resource_id.rsplit('/', 2)[1]}', because the parent "
        f"resource '{kind}/{name_of(owner)}' could not be found.",
    )


def refuse_zones(what: str, location: str, zones: Sequence[str]) -> None:
    """Refuse availability zones that a location does not have.

    Raises:
        ArmError: InvalidAvailabilityZone.
    """
    there = ZONES if normal(location) in ZONED else ()
    wrong = [zone for zone in zones if zone not in there]
    if wrong:
        raise ArmError(
            400,
            "InvalidAvailabilityZone",
            f"The zone(s) '{','.join(wrong)}' for resource '{what}' is not supported. The supported zones for location "
            f"'{normal(location)}' are '{','.join(there)}'.",
        )


def changed(call: Call, path: str) -> bool:
    """Whether an update changes an input."""
    return call.item is not None and call.get(path) != Call.get(_as_it_is(call), path)


def _as_it_is(call: Call) -> Call:
    return Call(inputs=call.item.inputs if call.item else {}, config={}, world=call.world, backing=call.backing)


def uid(seed: str) -> str:
    """A UUID, always the same for the same seed."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


def token_of(seed: str, length: int) -> str:
    """Lower-case letters and digits, always the same for the same seed."""
    return hashlib.sha256(seed.encode()).hexdigest()[:length]


@cache
def api_version(token: str) -> str:
    """The version of the API that the SDK uses for a type, "" when it does not say."""
    _, module, name = token.split(":")
    path = resource_module(package_folder("azure-native").joinpath(*module.split("/")), name)
    found = _VERSION.search(text_of(path)) if path else None
    return found[1] if found else ""
