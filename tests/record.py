"""Every resource of every stack of the unit tests, as a file, and the differences between two such files.

Before a change that moves code and must not move behaviour: `python -m tests.record write before.json`. After it:
`python -m tests.record write after.json`, then `python -m tests.record compare before.json after.json`. A name that the
change decides is given as `--renamed OLD=NEW`; generated values, which depend on names, are then left out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.unit import conftest
from tests.unit.recording import stacks, stacks_gcp
from tests.unit.recording.recorder import Recording, Registration, Secret

LEFT_OUT: Final = ("outputs",)
"""Outputs of the simulated provider, which follow from the inputs."""
GENERATED: Final = re.compile(r"\b(?=[0-9]*[a-f])[0-9a-f]{6,64}\b")


def _plain(value: Any) -> Any:
    """The value as JSON holds it, with secrets marked."""
    match value:
        case Secret():
            return {"secret": _plain(value.value)}
        case dict():
            return {key: _plain(part) for key, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
        case frozenset():
            return sorted(value)
        case _:
            return value


def _entry(found: Registration) -> dict[str, Any]:
    fields = (field.name for field in dataclasses.fields(found) if field.name not in LEFT_OUT)
    return {field: _plain(getattr(found, field)) for field in fields}


def _recordings() -> Iterator[tuple[str, Recording]]:
    yield from stacks.recordings()
    for stack in stacks_gcp.STACKS.keys() - stacks_gcp.SHARED.keys():
        yield stack, stacks_gcp.recorded(stack)


def write(path: Path) -> None:
    """Record all stacks into a file."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.update(conftest.isolated_environment(Path(home)))
        recorded = {
            stack: {
                "resources": {found.urn: _entry(found) for found in recording.registrations},
                "outputs": _plain(recording.outputs),
            }
            for stack, recording in _recordings()
        }
        text = json.dumps(recorded, indent=1, sort_keys=True).replace(home, "HOME")
    path.write_text(text + "\n")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    """Every leaf of a value by its path."""
    if isinstance(value, dict) and value:
        for key, part in value.items():
            yield from leaves(part, f"{path}/{key}")
    elif isinstance(value, list) and value:
        for index, part in enumerate(value):
            yield from leaves(part, f"{path}/{index}")
    else:
        yield path, value


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """One line for each leaf that only one of two recordings has, or that differs."""
    old, new = dict(leaves(before)), dict(leaves(after))
    for path in sorted(old.keys() | new.keys()):
        if path not in new:
            yield f"- {path}: {old[path]!r}"
        elif path not in old:
            yield f"+ {path}: {new[path]!r}"
        elif old[path] != new[path]:
            yield f"~ {path}: {old[path]!r} is now {new[path]!r}"


def compare(before: Path, after: Path, renamed: Sequence[tuple[str, str]]) -> list[str]:
    """The differences between two files, after the renames."""
    old, new = before.read_text(), after.read_text()
    if renamed:
        for was, now in renamed:
            old = old.replace(was, now)
        old, new = (GENERATED.sub("GENERATED", text) for text in (old, new))
    return [*differences(json.loads(old), json.loads(new))]


def _pair(text: str) -> tuple[str, str]:
    was, _, now = text.partition("=")
    return was, now


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.record", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("write").add_argument("file", type=Path)
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--renamed", action="append", default=[], type=_pair, metavar="OLD=NEW")
    given = parser.parse_args()
    if given.command == "write":
        write(given.file)
        return 0
    found = compare(given.before, given.after, given.renamed)
    print("\n".join(found) or "no differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
