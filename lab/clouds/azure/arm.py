"""Base class of all Azure resource types: ids, names, locations, parents, locks and refusals."""

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
"""The tenant of the simulated Azure."""
OPERATOR: Final = str(uuid.uuid5(uuid.NAMESPACE_URL, "operator"))
"""The user of that tenant who runs the program."""
_PARAMETER: Final = re.compile(r"{(\w+)}")
_VERSION: Final = re.compile(r"Uses Azure REST API version ([\w-]+)")
TAG_VALUE_MAX: Final = 256

Naming = Literal["random", "copy", "uuid"]


class ArmError(ApiError):
    """A refusal in the form of Azure Resource Manager: a status, a code and a message."""

    def __init__(self, code: int, reason: str, message: str, *, retry: bool | None = None) -> None:
        super().__init__(code, message, reason=reason, retry=retry)


class ArmKind(Kind):
    """One resource type of Azure. A subclass sets `path` and overrides the rules of its API."""

    path: ClassVar[str]
    """Path of the id below the subscription, with inputs in braces."""
    parent: ClassVar[str] = ""
    """Token of the parent type; "" if the id is in a resource group or has no parent."""
    places: ClassVar[frozenset[str]] = LOCATIONS
    """The supported locations, if it has a location."""
    tags_max: ClassVar[int] = 50
    tag_name_max: ClassVar[int] = 512
    tag_name: ClassVar[re.Pattern[str]] = re.compile(r"[^<>%&\\?/]+")
    """https://learn.microsoft.com/azure/azure-resource-manager/management/tag-resources"""
    settles: ClassVar[bool] = True
    singleton: ClassVar[bool] = False
    """Whether it always exists: creation changes it, deletion restores its defaults."""
    """Whether it has a `provisioningState`."""

    # -- names and places ---------------------------------------------------------------------------------------------

    @property
    def arm_type(self) -> str:
        """Azure's name of the type, such as `Microsoft.Network/virtualNetworks`."""
        namespace, *rest = self.path.rpartition("providers/")[2].split("/")
        return "/".join([namespace, *rest[::2]])

    @property
    def parameters(self) -> tuple[str, ...]:
        """The inputs in its id."""
        return tuple(_PARAMETER.findall(self.path))

    @property
    def naming(self) -> Naming:
        """The plugin's name for a resource without a name.

        The rule of azure-native: the logical name with random characters for a resource without parent, the logical
        name alone for a child resource.
        """
        return "random" if self.path.rpartition("providers/")[2].count("{") == 1 else "copy"

    def automatic_name(self, logical: str, drawing: random.Random) -> str:
        """The name of a resource without a name."""
        match self.naming:
            case "random":
                return f"{logical}{drawing.getrandbits(32):08x}"
            case "uuid":
                return str(uuid.UUID(int=drawing.getrandbits(128), version=4))
            case "copy":
                return logical

    def id(self, call: Call) -> str:
        """The id, as in the request's URL."""
        path = _PARAMETER.sub(lambda found: str(call.inputs[found[1]]), self.path)
        return f"{subscription(call)}/{path}"

    def owner(self, resource_id: str) -> str:
        """The id of its parent, with which it is deleted."""
        return parent_id(resource_id)

    def names(self, call: Call) -> Sequence[str]:
        """Its name, if names are globally unique."""
        return ()

    def located(self) -> bool:
        """Whether it has a location."""
        return "location" in resource(self.token).inputs

    def canonical(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Locations are compared in normal form: "West Europe" is westeurope."""
        found = super().canonical(inputs)
        if isinstance(found.get("location"), str):
            found["location"] = normal(found["location"])
        return found

    def replaces(self, old: dict[str, Any], new: dict[str, Any]) -> Sequence[str]:
        """The inputs in the id and the location are immutable."""
        return (*self.parameters, "location")

    # -- rules --------------------------------------------------------------------------------------------------------

    def faults(self, inputs: dict[str, Any], config: Mapping[str, Any]) -> Iterator[Fault]:
        """Errors of tags: their number, names and lengths."""
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
        """It is deleted with its parent or resource group.

        Raises:
            ApiError: the parent does not exist.
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
        """Refuse a missing location, and changes of a resource with a read-only lock."""
        self.refuse_lock(call, "write")
        self._refuse_by_policy(call)
        self.check_place(call)
        self.check(call)

    def change(self, call: Call) -> None:
        """Refuse changes of immutable fields, and values that creation refuses."""
        self.refuse_lock(call, "write")
        self._refuse_by_policy(call)
        self.check(call)

    def check(self, call: Call) -> None:
        """The common rules of creation and change."""

    def _refuse_by_policy(self, call: Call) -> None:
        if "tags" in resource(self.token).inputs and (missing := missing_tags(call.world, call.get("tags", {}))):
            raise ArmError(
                403,
                "RequestDisallowedByPolicy",
                f"Resource '{name_of(call.id)}' was disallowed by policy. Reasons: 'The tag {missing[0]} is required'.",
            )

    def kept(self, call: Call, given: dict[str, Any]) -> dict[str, Any]:
        """Inputs with the tags that policies add."""
        added = added_tags(call.world)
        if not added or "tags" not in resource(self.token).inputs:
            return given
        return {**given, "tags": {**added, **(given.get("tags") or {})}}

    def refreshed(self, call: Call, found: dict[str, Any], known: Known) -> dict[str, Any]:
        """Inputs with the tags that were added since."""
        now, before = known.now.get("tags"), known.before.get("tags") or {}
        if not isinstance(now, Mapping) or not isinstance(found.get("tags"), Mapping):
            return found
        added = {name: value for name, value in now.items() if name not in before}
        left = {name: known.inputs["tags"][name] for name in known.inputs["tags"] if name in now}
        return {**found, "tags": {**left, **found["tags"], **added}}

    def keeps(self, call: Call) -> bool:
        """Refuse to delete a locked resource."""
        self.refuse_lock(call, "write" if self.singleton else "delete")
        return False

    def check_place(self, call: Call) -> None:
        """Refuse unsupported locations or zones."""
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
        """Refuse operations that a lock on it, above it or (for a deletion) below it forbids.

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
        """The refusal of a reference to a missing resource."""
        return ArmError(
            400,
            "InvalidResourceReference",
            f"Resource {name} referenced by resource {call.id} was not found. Please make sure that the referenced "
            "resource exists, and that both resources are in the same region.",
        )

    def exists(self, call: Call) -> ApiError | None:
        """The plugin checks before a creation, and does not adopt an existing resource."""
        if self.singleton:
            return None
        return ApiError(409, f"cannot create already existing resource '{call.id}'", retry=False)

    def released(self, call: Call, holder: Item) -> ApiError:
        """The refusal of a deletion while one resource uses it."""
        return ArmError(409, "ResourceInUse", f"Resource {call.id} is in use by {holder.id} and cannot be deleted.")

    def held(self, call: Call, holders: Sequence[Item]) -> ApiError:
        """The refusal of a deletion while others use it; Azure names one of them."""
        return self.released(call, min(holders, key=lambda holder: holder.id))


def subscription(call: Call) -> str:
    """The id of the provider's subscription.

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
    """A location's name in Azure's normal form."""
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
    """Whether an id is a scope or below it."""
    inner, outer = resource_id.lower(), scope.lower().rstrip("/")
    return inner == outer or inner.startswith(f"{outer}/")


def at_scope(world: World, scope: str) -> Item | None:
    """The item with this id, of any type."""
    return next((item for item in world.items.values() if item.id.lower() == scope.lower().rstrip("/")), None)


def in_scope(world: World, scope: str, token: str) -> list[Item]:
    """The items of a type at or below an id."""
    return [item for item in world.of(token) if within(item.id, scope)]


def place_of(item: Item) -> str:
    """The location of an item."""
    return normal(str(item.inputs.get("location", "")))


def missing_parent(resource_id: str, owner: str) -> ArmError:
    """The refusal to create a child of a missing resource."""
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
    """A UUID, derived from a seed."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, seed))


def token_of(seed: str, length: int) -> str:
    """Lower-case letters and digits, derived from a seed."""
    return hashlib.sha256(seed.encode()).hexdigest()[:length]


@cache
def api_version(token: str) -> str:
    """The version of the API that the SDK uses for a type, "" if it is not documented."""
    _, module, name = token.split(":")
    path = resource_module(package_folder("azure-native").joinpath(*module.split("/")), name)
    found = _VERSION.search(text_of(path)) if path else None
    return found[1] if found else ""
