"""Kubernetes objects as plain data, between what the engine sends and what the API server answers."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct

from lab.engine import provider_values
from lab.engine.provider_values import has_secret, is_secret, opened, secret

Object = dict[str, Any]

INPUTS: Final = "__inputs"
INITIAL_API_VERSION: Final = "__initialApiVersion"
FIELD_MANAGER: Final = "__fieldManager"

# The SDKs cannot name these fields of a CRD's schema as Kubernetes does.
_DASHED: Final = {
    name.replace("-", "_"): name
    for name in (
        "x-kubernetes-embedded-resource",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-map-keys",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    )
}
_UNDERSCORED: Final = {dashed: plain for plain, dashed in _DASHED.items()}


def marked(properties: Struct) -> Object:
    """What the engine sent, with secrets in their marked form and without nulls."""
    return _without_nulls(provider_values.marked(properties))


def plain(properties: Struct | Object) -> Object:
    """What the engine sent, as the API server wants it: secrets opened, no nulls, Kubernetes' field names."""
    values = marked(properties) if isinstance(properties, Struct) else properties
    return _renamed(opened(values), _DASHED)


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return value


def pluck(value: Any, *path: str) -> Any:
    """The value at a path, or None."""
    for step in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def name_of(obj: Object) -> str:
    """The object's name, or ""."""
    found = pluck(obj, "metadata", "name")
    return found if isinstance(found, str) else ""


def namespace_of(obj: Object) -> str:
    """The object's namespace, or ""."""
    found = pluck(obj, "metadata", "namespace")
    return found if isinstance(found, str) else ""


def annotation(obj: Object, key: str) -> str:
    """One annotation's value, or ""."""
    found = (pluck(obj, "metadata", "annotations") or {}).get(key)
    return found if isinstance(found, str) else ""


def annotated_true(obj: Object, key: str) -> bool:
    """Whether an annotation says "true"."""
    return annotation(obj, key) == "true"


def identifier(obj: Object) -> str:
    """The resource's id: `namespace/name`, or the name alone."""
    return "/".join(part for part in (namespace_of(obj), name_of(obj)) if part)


def split_identifier(resource_id: str) -> tuple[str, str]:
    """Namespace (or "") and name of an id."""
    namespace, _, name = resource_id.rpartition("/")
    return namespace, name


def pruned(live: Any, shape: Any) -> Any:
    """The live value cut down to what the shape has: fields that the server or others added fall away.

    Lists are matched by position and cut to the shape's length; differing types keep the live value.
    """
    if isinstance(live, Mapping) and isinstance(shape, Mapping):
        return {key: pruned(item, shape[key]) for key, item in live.items() if key in shape}
    if isinstance(live, list) and isinstance(shape, list):
        if live and shape and type(live[0]) is not type(shape[0]):
            return copy.deepcopy(live)
        return [pruned(item, wanted) for item, wanted in zip(live, shape, strict=False)]
    return live


def with_secrets_of(values: Object, source: Object) -> Object:
    """The values with everything marked secret that is secret in the source.

    All data of a Secret is secret. Where both are objects the marking goes deeper; anything else, lists too, becomes
    secret as a whole when a secret is in it.
    """
    if values.get("kind") == "Secret":
        return {key: secret(opened(item)) if key in ("data", "stringData") else item for key, item in values.items()}
    result = dict(values)
    for key, item in source.items():
        if key not in result:
            continue
        if (
            isinstance(result[key], Mapping)
            and isinstance(item, Mapping)
            and not (is_secret(item) or is_secret(result[key]))
        ):
            result[key] = with_secrets_of(result[key], item)
        elif not is_secret(result[key]) and has_secret(item):
            result[key] = secret(result[key])
    return result


def checkpoint(inputs: Object, live: Object, source: Object, *, initial_api_version: str, manager: str) -> Struct:
    """What goes into state: the live object with the inputs beside it, secrets as in the source."""
    outputs = with_secrets_of(_renamed(live, _UNDERSCORED), source)
    return provider_values.struct(
        {
            **outputs,
            INPUTS: with_secrets_of(_renamed(inputs, _UNDERSCORED), source),
            INITIAL_API_VERSION: initial_api_version,
            FIELD_MANAGER: manager,
        }
    )


def engine_form(values: Object, source: Object) -> Struct:
    """Inputs as the engine keeps them, secrets as in the source."""
    return provider_values.struct(with_secrets_of(_renamed(values, _UNDERSCORED), source))


def from_checkpoint(state: Object) -> tuple[Object, Object]:
    """Inputs and live object from state; keys of our own are left in the live object, as in the official plugin."""
    values = plain(state)
    inputs = values.pop(INPUTS, {})
    return inputs, values


def set_path(obj: Object, path: Sequence[str], value: Any) -> None:
    """Set a nested field, making the objects on the way."""
    for step in path[:-1]:
        obj = obj.setdefault(step, {})
    obj[path[-1]] = value


def remove_path(obj: Object, path: Sequence[str]) -> None:
    """Remove a nested field if it is there."""
    for step in path[:-1]:
        found = obj.get(step)
        if not isinstance(found, dict):
            return
        obj = found
    obj.pop(path[-1], None)
