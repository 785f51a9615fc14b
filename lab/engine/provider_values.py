"""Conversion of property values: the engine sends protobuf structs in which secrets and unknowns are marked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
"""The key that marks an object as a special value."""
SECRET_MARK: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a marker of the protocol
"""The value of that key for a secret; the secret itself is under the key `value`."""
UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""Marker of a value that is unknown in a preview; providers return it for computed outputs in previews."""
UNKNOWNS: Final = frozenset(
    {
        UNKNOWN,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


def secret(value: Any) -> dict[str, Any]:
    """The marked form of a secret value."""
    return {SIGNATURE: SECRET_MARK, "value": value}


def is_secret(value: Any) -> bool:
    """Whether a Python value is the marked form of a secret."""
    return isinstance(value, Mapping) and value.get(SIGNATURE) == SECRET_MARK


def is_unknown(value: Any) -> bool:
    """Whether a value itself, secret or not, is unknown."""
    value = opened(value)
    return isinstance(value, str) and value in UNKNOWNS


def has_unknown(value: Any) -> bool:
    """Whether a value is or contains an unknown at any depth."""
    value = opened(value)
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return isinstance(value, str) and value in UNKNOWNS


def has_secret(value: Any) -> bool:
    """Whether a value is or contains a secret at any depth."""
    if isinstance(value, Struct | Value):
        value = marked(value)
    if isinstance(value, Mapping):
        return is_secret(value) or any(has_secret(item) for item in value.values())
    return isinstance(value, list) and any(has_secret(item) for item in value)


def marked(value: Struct | Value) -> Any:
    """Plain Python data in which secrets stay in their marked form; whole numbers become int."""
    if isinstance(value, Struct):
        return {key: marked(item) for key, item in value.fields.items()}
    match value.WhichOneof("kind"):
        case "struct_value":
            return marked(value.struct_value)
        case "list_value":
            return [marked(item) for item in value.list_value.values]
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def opened(value: Any) -> Any:
    """Plain Python data with every secret opened; unknowns stay the marker strings of UNKNOWNS."""
    if isinstance(value, Struct | Value):
        value = marked(value)
    if is_secret(value):
        return opened(value["value"])
    if isinstance(value, Mapping):
        return {key: opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [opened(item) for item in value]
    return value


def struct(values: Mapping[str, Any]) -> Struct:
    """The protobuf form of Python data, marked secrets included; the inverse of `marked`."""
    result = Struct()
    for key, item in values.items():
        result.fields[key].CopyFrom(_value(item))
    return result


def _value(item: Any) -> Value:
    if item is None:
        return Value(null_value=NULL_VALUE)
    if isinstance(item, bool):
        return Value(bool_value=item)
    if isinstance(item, int | float):
        return Value(number_value=item)
    if isinstance(item, str):
        return Value(string_value=item)
    if isinstance(item, Mapping):
        return Value(struct_value=struct(item))
    if isinstance(item, list | tuple):
        result = Value()
        result.list_value.SetInParent()
        for entry in item:
            result.list_value.values.append(_value(entry))
        return result
    raise TypeError(f"{type(item).__name__} is no property value")


def sealed_like(value: Any, *patterns: Any) -> Any:
    """Plain data in which values are marked as secret if one of the patterns has a secret at the same path.

    A pattern is marked data or a Struct. Used for answers of a cluster or cloud: inputs that were secret stay secret.
    """
    known = [marked(pattern) if isinstance(pattern, Struct | Value) else pattern for pattern in patterns]
    return _sealed(value, [pattern for pattern in known if has_secret(pattern)])


def _sealed(value: Any, patterns: list[Any]) -> Any:
    if not patterns:
        return value
    if any(is_secret(pattern) for pattern in patterns):
        return value if is_secret(value) else secret(opened(value))
    if isinstance(value, Mapping):
        below = [pattern for pattern in patterns if isinstance(pattern, Mapping)]
        return {key: _sealed(item, [p[key] for p in below if key in p]) for key, item in value.items()}
    if isinstance(value, list):
        lists = [pattern for pattern in patterns if isinstance(pattern, list)]
        return [_sealed(item, [p[i] for p in lists if i < len(p)]) for i, item in enumerate(value)]
    return value
