"""Differences between the properties of a resource before and after a change, with secrets masked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

Json = Any
"""A value as JSON gives it."""
SECRET: Final = "[secret]"  # noqa: S105 - a mask
"""Text that replaces a secret; the engine's own."""
UNKNOWN: Final = "[known after up]"
"""Text that replaces a value which only exists after `up`."""
ABSENT: Final = "[absent]"
"""Text that stands for a property which does not exist."""
UNKNOWN_VALUES: Final = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # any type
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # a list
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)
"""Stand-ins of the engine for unknown values (sdk/go/common/resource/sig/sig.go, v3.274.1)."""
SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""Key by which the engine marks a special value, for example a secret (sdk/go/common/resource/sig)."""
SECRET_SIGNATURE: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - it names the kind of value
STEP: Final = re.compile(r'\.?([^.\[\]"]+)|\["((?:[^"\\]|\\.)*)"\]|\[(\d+)\]')
"""One step of a property path: name, ["quoted name"] or [index] (sdk/go/common/resource/property_path.go)."""
ALL_SECRET: Final[Mapping[str, tuple[str, ...]]] = {"kubernetes:core/v1:Secret": ("data", "stringData")}
"""Properties by type whose content is secret, whether or not the engine knows."""
PASSWORD: Final = re.compile(r"(://[^:/@\s]*:)[^@/\s]+@")
"""A password in a URL."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A property that changes."""

    path: str
    before: Json
    after: Json
    replaces: bool = False
    """Whether this property forces the replacement."""


def entries(value: Json) -> dict[str, Json]:
    """A JSON object, which the engine leaves out where it is empty."""
    return value or {}


def differences(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    detailed: Mapping[str, Mapping[str, Json]] | None,
    keys: Sequence[str],
    replacing: Sequence[str],
    type_: str,
) -> tuple[Difference, ...]:
    """The differences of one step of the engine, by path.

    Args:
        old: the resource's state before the step, with `inputs` and `outputs`.
        new: the state after it.
        detailed: kind of difference by property path, from the provider; None if it gave none.
        keys: top-level properties that differ; used without `detailed`.
        replacing: top-level properties that force a replacement.
        type_: the resource's type.
    """
    found: list[Difference] = []
    for path, detail in sorted((detailed or {}).items()):
        # Where the provider compares with the real resource, the former value is an output.
        source = "inputs" if detail.get("inputDiff") else "outputs"
        kind = str(detail["diffKind"])
        before, after = value_at(old.get(source), path), _after(new, path)
        if before == ABSENT:
            before = value_at(old.get("inputs"), path)
        found.append(
            Difference(
                path=path,
                before=_masked(type_, path, ABSENT if kind.startswith("add") else before),
                after=_masked(type_, path, ABSENT if kind.startswith("delete") else after),
                replaces=kind.endswith("-replace"),
            )
        )
    if not found:
        found = list(_without_details(old, new, keys, replacing, type_))
    return tuple(found)


def _after(new: Mapping[str, Any], path: str) -> Json:
    value = value_at(new.get("inputs"), path)
    return value_at(new.get("outputs"), path) if value == ABSENT else value


def _without_details(
    old: Mapping[str, Any], new: Mapping[str, Any], keys: Sequence[str], replacing: Sequence[str], type_: str
) -> Iterator[Difference]:
    before, after = entries(old.get("inputs")), entries(new.get("inputs"))
    for key in sorted({*keys, *replacing}):
        leaves = list(_leaves(key, before.get(key, ABSENT), after.get(key, ABSENT)))
        # A value that differs only in the outputs is named without content.
        for path, one, other in leaves or [(key, UNKNOWN, UNKNOWN)]:
            yield Difference(
                path=path,
                before=_masked(type_, path, one),
                after=_masked(type_, path, other),
                replaces=key in replacing,
            )


def _leaves(path: str, before: Json, after: Json) -> Iterator[tuple[str, Json, Json]]:
    """The paths at which two values differ, as deep as both have the same shape."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict) and SIGNATURE not in {*before, *after}:
        one, other = cast("dict[str, Json]", before), cast("dict[str, Json]", after)
        for key in sorted({*one, *other}):
            step = f".{key}" if re.fullmatch(r'[^.\[\]"]+', key) else f'["{key}"]'
            yield from _leaves(f"{path}{step}", one.get(key, ABSENT), other.get(key, ABSENT))
    else:
        yield path, before, after


def value_at(root: Json, path: str) -> Json:
    """The value at a property path: SECRET inside of a secret, ABSENT where there is none."""
    value = root
    for match in STEP.finditer(path):
        name, quoted, index = match.groups()
        if is_secret(value):
            return SECRET
        if isinstance(value, dict):
            own = cast("dict[str, Json]", value)
            key = name if name is not None else (quoted if quoted is not None else index)
            value = own.get(key.replace('\\"', '"'), ABSENT)
        elif isinstance(value, list) and index is not None and int(index) < len(cast("list[Json]", value)):
            value = cast("list[Json]", value)[int(index)]
        else:
            return UNKNOWN if isinstance(value, str) and value in UNKNOWN_VALUES else ABSENT
    return value


def is_secret(value: Json) -> bool:
    """Whether the engine marked a value as secret, or replaced it by its mask."""
    if isinstance(value, dict):
        return cast("dict[str, Json]", value).get(SIGNATURE) == SECRET_SIGNATURE
    return value == SECRET


def _masked(type_: str, path: str, value: Json) -> Json:
    first = re.split(r"[.\[]", path, maxsplit=1)[0]
    if first in ALL_SECRET.get(type_, ()) and value != ABSENT:
        return SECRET
    return masked(value)


def masked(value: Json) -> Json:
    """A value without secrets, without passwords in URLs, and with words for what is unknown."""
    if is_secret(value):
        return SECRET
    if isinstance(value, dict):
        return {key: masked(inner) for key, inner in cast("dict[str, Json]", value).items()}
    if isinstance(value, list):
        return [masked(inner) for inner in cast("list[Json]", value)]
    if isinstance(value, str):
        return UNKNOWN if value in UNKNOWN_VALUES else PASSWORD.sub(r"\1[secret]@", value)
    return value
