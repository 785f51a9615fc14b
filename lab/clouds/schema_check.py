"""Validation of inputs against an SDK's schema: names, types, required properties, values of enums."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from lab.clouds.schema import Property, Type
from lab.engine.provider_diff import Path, text_of
from lab.engine.provider_values import SIGNATURE, is_unknown

Fault = tuple[str, str]
"""The path of a property, and the error."""

_WORDS: Final[Mapping[str, str]] = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "a boolean",
    "list": "a list",
    "map": "a map",
    "object": "an object",
}


def faults(values: Mapping[str, Any], properties: Mapping[str, Property], path: Path = ()) -> Iterator[Fault]:
    """All errors of opened inputs; unknown values are accepted."""
    for key, value in values.items():
        if key.startswith("__"):
            continue
        declared = properties.get(key)
        if declared is None:
            near = difflib.get_close_matches(key, properties, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            yield text_of((*path, key)), f"is no property here{hint}"
        elif value is not None:
            yield from _wrong(value, declared.type, declared.listed, (*path, key))
    for key, declared in properties.items():
        if declared.required and values.get(key) is None:
            yield text_of((*path, key)), "is required and missing"


def _wrong(value: Any, kind: Type, listed: tuple[str, ...], path: Path) -> Iterator[Fault]:
    if is_unknown(value) or (isinstance(value, Mapping) and SIGNATURE in value):
        return
    if kind.shape == "either":
        found = [list(_wrong(value, option, listed, path)) for option in kind.options]
        if all(found):
            yield min(found, key=len)[0]
    elif kind.shape == "enum":
        values = kind.values()
        if values and value not in values:
            yield text_of(path), f"is {value!r}, not one of {_list(values)}"
    elif not _is_a(value, kind.shape):
        yield text_of(path), f"is {_shown(value)}, not {_WORDS[kind.shape]}"
    elif kind.shape == "object":
        yield from faults(value, kind.properties(), path)
    elif kind.of is not None:
        entries = value.items() if isinstance(value, Mapping) else enumerate(value)
        for step, entry in entries:
            yield from _wrong(entry, kind.of, listed, (*path, step))
    elif listed and value not in listed:
        yield text_of(path), f"is {value!r}, not one of {_list(listed)}"


def _is_a(value: Any, shape: str) -> bool:
    match shape:
        case "string":
            return isinstance(value, str)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "list":
            return isinstance(value, list)
        case "map" | "object":
            return isinstance(value, Mapping)
        case _:
            return True


def _shown(value: Any) -> str:
    # Never the text itself: it may be a secret.
    match value:
        case bool() | int() | float():
            return repr(value)
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def _list(values: tuple[object, ...]) -> str:
    return ", ".join(map(str, values))
