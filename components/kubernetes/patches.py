"""Strategic merge patches of pod specs: their merge, and the fields that they may name.

https://kubernetes.io/docs/tasks/manage-kubernetes-objects/update-api-object-kubectl-patch/#notes-on-the-strategic-merge-patch
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final, cast, get_args, get_origin

MERGE_KEYS: Final[Mapping[str, str]] = {
    "containers": "name",
    "env": "name",
    "hostAliases": "ip",
    "initContainers": "name",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "volumeDevices": "devicePath",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists whose entries are merged by a field, as `patchMergeKey` of the API's types says. Other lists are replaced.
https://github.com/kubernetes/api/blob/v0.34.0/core/v1/types.go"""


def merged(value: Any, patch: Any, field: str = "") -> Any:
    """A value with a patch: maps are merged, null removes a field, entries of lists are merged by their key.

    Args:
        value: plain data, in which outputs of resources may stand.
        patch: plain data.
        field: the field that both belong to.
    """
    if isinstance(patch, Mapping) and isinstance(value, Mapping):
        result = dict(cast("Mapping[str, Any]", value))
        for key, inner in cast("Mapping[str, Any]", patch).items():
            if inner is None:
                result.pop(key, None)
            else:
                result[key] = merged(result.get(key), inner, key)
        return result
    if isinstance(patch, list) and isinstance(value, list) and field in MERGE_KEYS:
        return _merged_list(cast("list[Any]", value), cast("list[Any]", patch), MERGE_KEYS[field])
    return cast(Any, patch)


def _merged_list(value: list[Any], patch: list[Any], key: str) -> list[Any]:
    """The entries in their order; those of the patch that are not among them come last."""
    own = {entry[key]: entry for entry in patch}
    present = [entry[key] for entry in value]
    changed = [merged(entry, own[entry[key]]) if entry[key] in own else entry for entry in value]
    return [*changed, *(entry for entry in patch if entry[key] not in present)]


def field_errors(patch: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Path, rule and remedy of each value that is no field of a pod spec, or of another type."""
    # An import of the SDK takes half a second, and few stacks have a patch.
    from pulumi_kubernetes.core.v1 import PodSpecArgs

    yield from _errors("", patch, PodSpecArgs, "")


def _errors(path: str, value: Any, kind: Any, field: str) -> Iterator[tuple[str, str, str]]:
    from pulumi._types import input_type_types, is_input_type, unwrap_type

    if value is None:
        return
    origin = get_origin(kind)
    if (origin is not None and issubclass(origin, Mapping)) or kind is dict:
        if not isinstance(value, Mapping):
            yield path, "is not a map", "write its keys below it, indented"
            return
        inner: Any = get_args(kind)[1] if get_args(kind) else str
        for key, each in cast("Mapping[str, Any]", value).items():
            yield from _errors(f"{path}.{key}", each, unwrap_type(inner), key)
    elif origin is not None and issubclass(origin, Sequence):
        if not isinstance(value, list):
            yield path, "is not a list", "write one entry a line, each with a dash"
            return
        yield from _list_errors(path, cast("list[Any]", value), unwrap_type(get_args(kind)[0]), field)
    elif isinstance(kind, type) and is_input_type(kind):
        if not isinstance(value, Mapping):
            yield path, "is not a map", "write its keys below it, indented"
            return
        known = input_type_types(kind)
        for key, each in cast("Mapping[str, Any]", value).items():
            where = f"{path}.{key}" if path else key
            if key not in known:
                near = get_close_matches(key, known, n=1)
                remedy = f"did you mean {near[0]!r}" if near else f"remove it; known here: {', '.join(sorted(known))}"
                yield where, "is not a field of Kubernetes here", remedy
            else:
                yield from _errors(where, each, unwrap_type(known[key]), key)
    else:
        yield from _scalar_errors(path, value, kind)


def _list_errors(path: str, entries: list[Any], kind: Any, field: str) -> Iterator[tuple[str, str, str]]:
    for index, entry in enumerate(entries):
        key = MERGE_KEYS.get(field)
        if key is not None and (not isinstance(entry, Mapping) or key not in entry):
            yield f"{path}[{index}]", f"has no {key}, by which entries are merged", f"set {key}"
        else:
            yield from _errors(f"{path}[{index}]", entry, kind, "")


def _scalar_errors(path: str, value: Any, kind: Any) -> Iterator[tuple[str, str, str]]:
    allowed = get_args(kind) or (kind,)
    names = {str: "text", int: "a whole number", bool: "true or false"}
    expected = [name for each, name in names.items() if each in allowed]
    if expected and not any(type(value) is each for each in names if each in allowed):
        yield path, f"is not {' or '.join(expected)}", "write it so" if "text" not in expected else "put it in quotes"
