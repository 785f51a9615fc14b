"""The difference between two sets of properties, in the engine's form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import provider_pb2

from lab.engine.provider_values import has_unknown, opened

Path = tuple[str | int, ...]
Replacing = Callable[[Path], bool]

_STEP: Final = re.compile(r"""\.?([^.\[\]"]+)|\[(\d+|\*)\]|\.?\["((?:[^"\\]|\\.)*)"\]""")
_PLAIN_KEY: Final = re.compile(r"^[A-Za-z_$][\w$]*$")


def path_of(text: str) -> Path:
    """The steps of a property path such as `spec.containers[0].env["a.b"]`; `*` and `[*]` match any step."""
    steps: list[str | int] = []
    for name, index, quoted in _STEP.findall(text):
        if index:
            steps.append("*" if index == "*" else int(index))
        else:
            steps.append(name or quoted.replace('\\"', '"'))
    return tuple(steps)


def text_of(path: Path) -> str:
    """A property path in the engine's notation."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN_KEY.match(step):
            text += f".{step}" if text else step
        else:
            text += '["' + step.replace('"', '\\"') + '"]'
    return text


def below(patterns: Iterable[str]) -> Replacing:
    """A rule that holds for changes at or under one of the paths."""
    parsed = [path_of(pattern) for pattern in patterns]
    return lambda path: any(_covers(pattern, path) for pattern in parsed)


def _covers(pattern: Path, path: Path) -> bool:
    return len(pattern) <= len(path) and all(a in ("*", b) for a, b in zip(pattern, path, strict=False))


def diff(
    old: Struct | dict[str, Any],
    new: Struct | dict[str, Any],
    *,
    ignore_changes: Iterable[str] = (),
    replaces: Replacing | Iterable[str] = (),
    delete_before_replace: bool = False,
) -> provider_pb2.DiffResponse:
    """The changes from the old inputs to the new ones.

    An unknown new value counts as a change. Keys that begin with two underscores belong to the engine and are ignored.
    `replaces` is a rule over the path of a change, or the paths (including everything below) that require replacement.
    """
    ignored = below(ignore_changes)
    replacing = replaces if callable(replaces) else below(replaces)
    response = provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE, hasDetailedDiff=True)
    for path, kind, value in changes(opened(old), opened(new)):
        if ignored(path):
            continue
        text = text_of(path)
        if any(replacing((*path, *rest)) for rest in _places(value)):
            kind = _REPLACE[kind]
            response.replaces.append(text)
        response.detailedDiff[text].kind = kind
        response.detailedDiff[text].inputDiff = True
        if str(path[0]) not in response.diffs:
            response.diffs.append(str(path[0]))
        response.changes = provider_pb2.DiffResponse.DIFF_SOME
    response.deleteBeforeReplace = delete_before_replace and bool(response.replaces)
    return response


_KIND: Final = provider_pb2.PropertyDiff
_REPLACE: Final = {_KIND.ADD: _KIND.ADD_REPLACE, _KIND.DELETE: _KIND.DELETE_REPLACE, _KIND.UPDATE: _KIND.UPDATE_REPLACE}


def changes(old: Any, new: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Each changed path with ADD, DELETE or UPDATE and the added, deleted or new value.

    Paths are the deepest ones at which two values, with secrets opened, differ.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            if not key.startswith("__"):
                yield from _changed(old, new, key, path)
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _changed(_by_index(old), _by_index(new), index, path)
    elif old != new or isinstance(old, bool) != isinstance(new, bool) or has_unknown(new):
        yield path, _KIND.UPDATE, new


def _changed(old: dict[Any, Any], new: dict[Any, Any], key: str | int, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    # The engine treats a missing key and an explicit null as equal.
    before, after = old.get(key), new.get(key)
    if before is None and after is None:
        return
    if before is None:
        yield (*path, key), _KIND.ADD, after
    elif after is None:
        yield (*path, key), _KIND.DELETE, before
    else:
        yield from changes(before, after, (*path, key))


def _places(value: Any) -> Iterator[Path]:
    """All paths in a value, its own first: an added or deleted value changes everything below it."""
    yield ()
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield from ((key, *rest) for rest in _places(item))


def _by_index(items: Sequence[Any]) -> dict[Any, Any]:
    return dict(enumerate(items))
