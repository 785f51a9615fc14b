"""Conversion of property values between a program, its state and the inventory of a simulated cloud."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from lab.clouds.journal import MASK
from lab.engine.provider_diff import Path, path_of
from lab.engine.provider_values import UNKNOWN, is_secret


def merged(base: Any, more: Any) -> Any:
    """A deep merge of objects; for other values the second object has precedence."""
    if isinstance(base, Mapping) and isinstance(more, Mapping) and not is_secret(base) and not is_secret(more):
        both = {key: merged(base[key], more[key]) for key in base.keys() & more.keys()}
        return {**base, **more, **both}
    return more


def forgotten(values: Mapping[str, Any], write_only: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Marked values as a cloud returns them later: with masked secrets and without the engine's keys."""
    kept = {key: value for key, value in values.items() if not key.startswith("__") and value is not None}
    return {key: MASK if key in write_only else _masked(value) for key, value in kept.items()}


def _masked(value: Any) -> Any:
    if is_secret(value):
        return MASK
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def remembered(values: Any, known: Any) -> Any:
    """Values in which masked secrets are replaced with known ones, marked; unknown secrets are left out."""
    if isinstance(values, Mapping):
        other = known if isinstance(known, Mapping) and not is_secret(known) else {}
        return {
            key: remembered(value, other.get(key))
            for key, value in values.items()
            if value != MASK or other.get(key) is not None
        }
    if isinstance(values, list):
        others = known if isinstance(known, list) else []
        return [remembered(value, others[i] if i < len(others) else None) for i, value in enumerate(values)]
    return known if values == MASK else values


def pruned(live: Any, like: Any) -> Any:
    """Current values at the paths of a program's inputs."""
    if isinstance(live, Mapping) and isinstance(like, Mapping) and not is_secret(live):
        return {key: pruned(live[key], like[key]) for key in like if key in live}
    if isinstance(live, list) and isinstance(like, list) and len(live) == len(like):
        return [pruned(a, b) for a, b in zip(live, like, strict=True)]
    return live


def patched(live: Any, old: Any, new: Any) -> Any:
    """Current values with only the changes from the old values to the new ones applied."""
    if old == new:
        return live
    if not all(isinstance(each, Mapping) for each in (live, old, new)):
        return new
    result = dict(live)
    for key in old.keys() | new.keys():
        if key not in new:
            result.pop(key, None)
        elif old.get(key) != new[key]:
            result[key] = patched(live.get(key), old.get(key), new[key])
    return result


def filled(values: dict[str, Any], path: str, held: Mapping[str, Any]) -> dict[str, Any]:
    """Values, completed at a missing path whose parents exist with the previous value, or unknown if there was none."""
    result = deepcopy(values)
    _fill(result, path_of(path), held)
    return result


def _fill(place: Any, steps: Path, held: Any) -> None:
    first, *rest = steps
    if first == "*" and isinstance(place, list):
        others = held if isinstance(held, list) and len(held) == len(place) else [None] * len(place)
        for entry, other in zip(place, others, strict=True):
            _fill(entry, tuple(rest), other)
    elif isinstance(place, dict) and not is_secret(place):
        known = held.get(first) if isinstance(held, Mapping) and not is_secret(held) else None
        if rest:
            _fill(place.get(first), tuple(rest), known)
        else:
            place.setdefault(first, UNKNOWN if known is None else known)
