"""Property values on their way between a program, its state and what a simulated cloud holds."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from lab.clouds.journal import MASK
from lab.engine.provider_diff import Path, path_of
from lab.engine.provider_values import UNKNOWN, is_secret


def merged(base: Any, more: Any) -> Any:
    """Objects put together at every depth; where both have a value that is no object, the second one's."""
    if isinstance(base, Mapping) and isinstance(more, Mapping) and not is_secret(base) and not is_secret(more):
        both = {key: merged(base[key], more[key]) for key in base.keys() & more.keys()}
        return {**base, **more, **both}
    return more


def forgotten(values: Mapping[str, Any], write_only: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Marked values as a cloud shows them later: secrets masked, and nothing that belongs to the engine."""
    kept = {key: value for key, value in values.items() if not key.startswith("__") and value is not None}
    return {key: MASK if key in write_only else _masked(value) for key, value in kept.items()}


def _masked(value: Any) -> Any:
    if is_secret(value):
        return MASK
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    return [_masked(item) for item in value] if isinstance(value, list) else value


def remembered(values: Any, known: Any) -> Any:
    """Values in which everything masked comes, marked, from what is known already; what is not known is left out."""
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
    """Live values at the places that a program's inputs reach."""
    if isinstance(live, Mapping) and isinstance(like, Mapping) and not is_secret(live):
        return {key: pruned(live[key], like[key]) for key in like if key in live}
    if isinstance(live, list) and isinstance(like, list) and len(live) == len(like):
        return [pruned(a, b) for a, b in zip(live, like, strict=True)]
    return live


def patched(live: Any, old: Any, new: Any) -> Any:
    """Live values with what turns the old values into the new ones, and nothing else."""
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
    """Values with what was held at a path whose parents are there and which itself is not; unknown if nothing was."""
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
