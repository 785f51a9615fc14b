"""Creation, change and deletion of items in a simulated cloud, by the rules of their kind."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from lab.clouds import schema
from lab.clouds.inventory import Inventory, Item, World
from lab.clouds.kind import ApiError, Call, Kind, every
from lab.clouds.schema import Property
from lab.clouds.values import forgotten, merged, patched, remembered
from lab.engine.provider_values import opened, sealed_like, secret


def accept(kind: Kind, call: Call, world: World, given: Mapping[str, Any], unsettled: int = 0) -> None:
    """Accept a new item, which is not ready yet; at least that many lookups miss it.

    Raises:
        ApiError: the API refuses it.
    """
    kind.admit(call)
    call.id = kind.id(call)
    if world.get(kind.token, call.id) is not None and (refusal := kind.exists(call)) is not None:
        raise refusal
    uses = _uses(kind, call)
    kind.accept(call)
    call.item = Item(
        type=kind.token,
        id=call.id,
        urn=call.urn,
        inputs=forgotten(kind.kept(call, dict(given)), kind.write_only),
        outputs={},
        uses=uses,
        created=time.time(),
        unsettled=max(kind.settling, unsettled),
    )
    call.item.names = [name for name in kind.names(call) if name]
    world.add(call.item)


def change(kind: Kind, call: Call, world: World, given: Mapping[str, Any], *, patches: bool) -> None:
    """Accept a change of an item.

    Raises:
        ApiError: it does not exist, or the API refuses the change.
    """
    item = world.get(kind.token, call.id)
    if item is None:
        raise ApiError(404, f"The resource '{call.id}' was not found", reason="notFound")
    call.item = item
    kind.admit(call)
    if patches:
        new = {key: value for key, value in call.inputs.items() if not key.startswith("__")}
        live = opened(remembered(item.inputs, dict(given)))
        old = {key: value for key, value in call.old.items() if not key.startswith("__")}
        call.inputs = patched(live, old, new)
    uses = _uses(kind, call)
    kind.change(call)
    item.uses = uses
    item.inputs = forgotten(kind.kept(call, _like(call.inputs, given)), kind.write_only)


def settle(
    kind: Kind, call: Call, inventory: Inventory, given: Mapping[str, Any], standard: Mapping[str, Any]
) -> dict[str, Any]:
    """Complete an accepted operation and return the marked outputs."""
    call.backed = kind.back(call)
    known = schema.resource(kind.token).outputs
    with inventory.changing() as world:
        item = world.get(kind.token, call.id)
        if item is None:
            raise ApiError(404, f"The resource '{call.id}' went away while it was worked on", reason="notFound")
        call.world, call.item = world, item
        common = {key: value for key, value in standard.items() if key in known}
        blanks = {name: _BLANKS[each.type.shape] for name, each in known.items() if each.required and _blank(each)}
        # Not every plugin returns the inputs that an id is made of.
        echoed = {key: value for key, value in kind.echoed(call.inputs).items() if key in known}
        outputs = merged({**blanks, **echoed, **common}, kind.outputs(call))
        invented = sorted(outputs.keys() - known.keys())
        if invented:
            raise TypeError(f"the simulated {kind.token} has outputs that the SDK does not know: {', '.join(invented)}")
        outputs = sealed(kind, outputs, given)
        item.outputs = forgotten(outputs)
        item.ready = time.time()
        item.names = [name for name in kind.names(call) if name]
    return outputs


def release(kind: Kind, call: Call, world: World) -> None:
    """Start a deletion, or only forget the item if the rules keep it.

    Raises:
        ApiError: the API refuses the deletion.
    """
    call.item = world.get(kind.token, call.id)
    if call.item is None:
        return
    if kind.keeps(call):
        call.item.abandoned = True
        return
    holders = world.users(call.item, "holds")
    if holders:
        raise kind.held(call, holders)
    kind.release(call)


def remove(kinds: Mapping[str, Kind], call: Call, inventory: Inventory) -> None:
    """Complete a deletion of an item and of everything that is deleted with it."""
    removed: list[Item] = []
    with inventory.changing() as world:
        item = world.items.get(call.item.key) if call.item is not None else None
        if item is not None:
            removed = world.remove(item)
        for each in removed:
            if each.type in kinds:
                its = Call(
                    inputs=each.inputs,
                    config=call.config,
                    world=world,
                    id=each.id,
                    item=each,
                    backing=call.backing,
                    left=call.left,
                )
                kinds[each.type].gone(its)
    for each in removed:
        call.backing.gone("gcp" if each.type.startswith("gcp:") else "azure", each.type, each.id)


def sealed(kind: Kind, outputs: Mapping[str, Any], *patterns: Mapping[str, Any]) -> dict[str, Any]:
    """Outputs with secrets marked: secret inputs, and outputs that the SDK or the kind declares secret."""
    marks = schema.resource(kind.token).secrets | kind.secret
    result: dict[str, Any] = sealed_like(dict(outputs), *patterns)
    return {key: secret(opened(value)) if key in marks else value for key, value in result.items()}


_BLANKS: Final[Mapping[str, Any]] = {"string": "", "list": [], "map": {}, "boolean": False, "integer": 0, "number": 0}
"""Placeholder outputs by type, for outputs without a rule."""


def _blank(declared: Property) -> bool:
    return declared.type.shape in _BLANKS


def _like(inputs: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = sealed_like(dict(inputs), dict(given))
    return result


def _uses(kind: Kind, call: Call) -> dict[str, str]:
    """The items that the inputs refer to, by key, with the way of the reference.

    Raises:
        ApiError: one of them does not exist.
    """
    strength = ("ignores", "holds", "goes_with")
    uses: dict[str, str] = {}
    for reference in kind.references:
        for _, text in every(call.inputs, reference.path):
            name = reference.name(text) if isinstance(text, str) else None
            if name is None or reference.implicit(name):
                continue
            item = call.found(reference.to, name)
            if item is None:
                error = kind.missing(call, reference, name)
                error.retry = error.retry or reference.retry
                raise error
            uses[item.key] = max(uses.get(item.key, "ignores"), reference.way, key=strength.index)
    for item, way in kind.relations(call):
        uses[item.key] = max(uses.get(item.key, "ignores"), way, key=strength.index)
    return uses
