"""The picture of the rooms in docs/architecture.md, held against the imports, and the rules that it stands for."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[3]
DOCUMENT: Final = ROOT / "docs/architecture.md"
PLACES: Final = (
    "__main__.py",
    "airflow_project/",
    "benchmarks/",
    "components/",
    "docs/",
    "lab/",
    "operations/",
    "policies/",
    "tests/",
)
NODE: Final = re.compile(r'^(subgraph )?(\w+)\["([^"]+)"\]$')
ARROWS: Final = re.compile(r"^(\w+(?: & \w+)*) --> (\w+(?: & \w+)*)$")


Arrow = tuple[frozenset[str], frozenset[str]]


@dataclass(frozen=True)
class Picture:
    """The rooms and the arrows of the picture, by path."""

    rooms: tuple[str, ...]
    """From the highest to the lowest."""
    arrows: frozenset[Arrow]
    """From any of some rooms to any of others: an arrow at a group stands for the rooms in it."""

    def room(self, file: str) -> str | None:
        """The room that a file is in: the innermost of those that hold it."""
        return max((room for room in self.rooms if holds(room, file)), key=len, default=None)

    def shows(self, arrow: Arrow, file: str, other: str) -> bool:
        """Whether an arrow stands for the import of one file by another."""
        return self.room(file) in arrow[0] and self.room(other) in arrow[1]


def holds(room: str, file: str) -> bool:
    """Whether a file is in a room: a folder with everything below it, or a file itself."""
    return file == room or (room.endswith("/") and file.startswith(room))


def read(text: str) -> Picture:
    """The picture in a text. Paths of rooms are within those of their groups; a group in parentheses has none.

    Raises:
        ValueError: a line of the picture is neither a room, nor arrows, nor a group's beginning or end.
    """
    rooms: dict[str, list[str]] = {}
    order: list[str] = []
    arrows: set[Arrow] = set()
    groups: list[tuple[str, str]] = []
    [drawn] = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    for line in filter(None, map(str.strip, drawn.splitlines())):
        if node := NODE.match(line):
            is_group, name, label = node.groups()
            path = (groups[-1][1] if groups else "") + ("" if label.startswith("(") else label)
            rooms[name] = []
            if is_group:
                groups.append((name, path))
                continue
            order.append(path)
            for holder in (name, *(group for group, _ in groups)):
                rooms[holder].append(path)
        elif found := ARROWS.match(line):
            starts, ends = ([frozenset(rooms[name]) for name in side.split(" & ")] for side in found.groups())
            arrows |= {(start, end) for start in starts for end in ends}
        elif line == "end":
            groups.pop()
        elif not line.startswith("flowchart "):
            raise ValueError(f"a line that the test cannot read: {line}")
    return Picture(tuple(order), frozenset(arrows))


@cache
def picture() -> Picture:
    return read(DOCUMENT.read_text())


@cache
def files() -> dict[str, str]:
    """The project's modules by their names: components.cloud is components/cloud/__init__.py."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    kept = [file for file in listed.stdout.split() if file.startswith(PLACES) and (ROOT / file).exists()]
    return {file.removesuffix(".py").removesuffix("/__init__").replace("/", "."): file for file in kept}


@cache
def tree(file: str) -> ast.Module:
    """A module's syntax."""
    return ast.parse((ROOT / file).read_text())


def named(statement: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """The project's files that a statement imports."""
    for alias in statement.names:
        names = [alias.name] if isinstance(statement, ast.Import) else [f"{statement.module}.{alias.name}"]
        if isinstance(statement, ast.ImportFrom):
            names.append(statement.module or "")
        found = next((files()[name] for name in names if name in files()), None)
        if found is not None:
            yield found


def imports(file: str, *, functions: bool) -> set[str]:
    """The files that a file imports; with `functions` also those that functions in it import."""
    found: set[str] = set()
    left: list[ast.AST] = [tree(file)]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.update(named(node))
        elif functions or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            left.extend(ast.iter_child_nodes(node))
    return found - {file}


@cache
def crossings() -> frozenset[tuple[str, str]]:
    """Every import of a module in another room, as the two files."""
    return frozenset(
        (file, other)
        for file in files().values()
        for other in imports(file, functions=True)
        if picture().room(file) != picture().room(other)
    )


def test_every_module_is_in_a_room_of_the_picture() -> None:
    """An `__init__.py` that holds a docstring alone needs none."""
    outside = [file for file in files().values() if picture().room(file) is None and len(tree(file).body) > 1]
    assert outside == []


def test_every_room_of_the_picture_exists() -> None:
    assert [room for room in picture().rooms if not any(holds(room, file) for file in files().values())] == []


def test_every_import_between_rooms_is_an_arrow_of_the_picture() -> None:
    missing = [
        f"{file} imports {other}"
        for file, other in sorted(crossings())
        if not any(picture().shows(arrow, file, other) for arrow in picture().arrows)
    ]
    assert missing == []


def test_every_arrow_of_the_picture_is_an_import() -> None:
    without = [
        f"{sorted(start)} --> {sorted(end)}"
        for start, end in picture().arrows
        if not any(picture().shows((start, end), file, other) for file, other in crossings())
    ]
    assert without == []


def test_imports_run_from_higher_rooms_to_lower_ones() -> None:
    """Higher is what the picture names first."""
    floor = {room: number for number, room in enumerate(picture().rooms)}
    upwards = [
        f"{file} imports {other}"
        for file, other in sorted(crossings())
        if floor.get(picture().room(file) or "", -1) > floor.get(picture().room(other) or "", -1)
    ]
    assert upwards == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside of functions count as well, because they only hide a circle. Recordings load stacks late."""
    left = {file: imports(file, functions=not file.startswith("tests/")) for file in files().values()}
    while free := {file for file, others in left.items() if not others & left.keys()}:
        left = {file: others for file, others in left.items() if file not in free}
    # What is left imports a circle or is part of one; those that nothing left imports are only on the way to it.
    while ends := left.keys() - set().union(*left.values()):
        left = {file: others for file, others in left.items() if file not in ends}
    assert sorted(left) == []


def test_the_picture_is_read_as_mermaid_draws_it() -> None:
    text = """
```mermaid
flowchart TD
    start["__main__.py"]
    subgraph wing["components/"]
        subgraph inner["cloud/"]
            gcp["gcp/"]
            azure["azure/"]
        end
        subgraph words["(words)"]
            low["words.py"]
        end
    end
    start --> inner & low
    gcp --> words
```
"""
    found = read(text)
    clouds = frozenset({"components/cloud/gcp/", "components/cloud/azure/"})
    assert found.rooms == (
        "__main__.py",
        "components/cloud/gcp/",
        "components/cloud/azure/",
        "components/words.py",
    )
    assert found.arrows == {
        (frozenset({"__main__.py"}), clouds),
        (frozenset({"__main__.py"}), frozenset({"components/words.py"})),
        (frozenset({"components/cloud/gcp/"}), frozenset({"components/words.py"})),
    }
    assert found.room("components/cloud/gcp/layer.py") == "components/cloud/gcp/"
    assert found.room("components/cloud/other.py") is None
    assert found.shows((clouds, frozenset({"components/words.py"})), "components/cloud/gcp/a.py", "components/words.py")
