"""A plugin's checks of inputs before it calls the cloud: all errors at once, each with its path."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from lab.clouds import schema
from lab.clouds.kind import Function, Kind, every
from lab.clouds.schema_check import Fault, faults
from lab.engine.provider_diff import path_of, text_of
from lab.engine.provider_values import is_unknown, opened

DEFAULTS = "__defaults"
"""The input with the list of inputs that the plugin has filled in."""


def named(kind: Kind, inputs: dict[str, Any], old: Mapping[str, Any], urn: str, seed: bytes) -> dict[str, Any]:
    """Marked inputs with a name: the given one, the previous one, or a new one from the logical name and the seed."""
    inputs = {key: value for key, value in inputs.items() if key != DEFAULTS}
    if not kind.name or inputs.get(kind.name) is not None:
        return {**inputs, DEFAULTS: []}
    if old.get(kind.name) is not None and kind.name in old.get(DEFAULTS, []):
        return {**inputs, kind.name: old[kind.name], DEFAULTS: [kind.name]}
    drawing = random.Random(seed or urn.encode())  # noqa: S311 - a name, and the same one for the same seed
    name = kind.automatic_name(urn.rpartition("::")[2], drawing)
    return {**inputs, DEFAULTS: []} if name is None else {**inputs, kind.name: name, DEFAULTS: [kind.name]}


def resource_faults(kind: Kind, marked_inputs: dict[str, Any], config: Mapping[str, Any]) -> list[Fault]:
    """All errors of a resource's inputs."""
    inputs = {key: value for key, value in opened(marked_inputs).items() if not key.startswith("__")}
    found = list(faults(inputs, schema.resource(kind.token).inputs))
    return found or [*_own_faults(kind, inputs), *kind.faults(inputs, config)]


def argument_faults(function: Function, arguments: dict[str, Any]) -> list[Fault]:
    """All errors of a function's arguments."""
    found = list(faults(arguments, schema.function(function.token).inputs))
    missing = [name for name in function.required if arguments.get(name) is None]
    return [*found, *((name, "is required and missing") for name in missing)]


def _own_faults(kind: Kind, inputs: dict[str, Any]) -> Iterator[Fault]:
    for path in kind.required:
        parents, last = path_of(path)[:-1], path_of(path)[-1]
        for place, parent in every(inputs, parents):
            if isinstance(parent, Mapping) and parent.get(last) is None:
                yield text_of((*place, last)), "is required and missing"
    for path, values in kind.values.items():
        for place, value in every(inputs, path):
            if not is_unknown(value) and value not in values:
                yield text_of(place), f"is {value!r}, not one of {', '.join(map(str, values))}"
    name = inputs.get(kind.name) if kind.name else None
    if kind.grammar is not None and isinstance(name, str) and not is_unknown(name) and not kind.grammar.accepts(name):
        yield kind.name, f"is {name!r}, but has to be {kind.grammar.words}"
