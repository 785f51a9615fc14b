"""Reads classes and functions of the installed cloud SDKs from their source text.

The SDKs are generated code with a fixed form. Extracting a class from the text takes milliseconds, but importing its
module takes up to a second and 100 MiB; and a plugin runs without the SDK that such an import needs.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from lab.errors import LabError

_GETTER: Final = re.compile(
    r"    @pulumi\.getter(?:\(name=\"(?P<name>[^\"]+)\"\))?\n"
    r"(?:    @_utilities\.deprecated\(\"\"\"(?:.|\n)*?\"\"\"\)\n)?"
    r"    def (?P<python>\w+)\(self\) -> (?P<type>.+):\n"
    r"(?:        \"\"\"\n(?P<doc>(?:.|\n)*?)\n        \"\"\"\n)?"
)
_ENUM_MEMBER: Final = re.compile(r"^    [A-Z_][A-Z0-9_]* = (\".*\"|'.*'|-?[\d.]+)$", re.MULTILINE)
_ARGUMENT: Final = re.compile(r"^    __args__\['(\w+)'\] = (\w+)$", re.MULTILINE)
_SECRETS: Final = re.compile(r"additional_secret_outputs=\[([^\]]*)\]")


@dataclass(frozen=True)
class Getter:
    """One property of a class, as declared in the text."""

    name: str
    """The engine's name, in camel case."""
    annotation: ast.expr
    doc: str


def package_folder(package: str) -> Path:
    """The folder of an installed SDK.

    Raises:
        LabError: it is not installed.
    """
    name = f"pulumi_{package.replace('-', '_')}"
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise LabError(f"The SDK pulumi-{package} is not installed.", remedy="Run make setup.")
    return Path(spec.origin).parent


@lru_cache(maxsize=64)
def text_of(path: Path) -> str:
    """A module's text, or "" if there is no such module."""
    return path.read_text() if path.exists() else ""


@lru_cache(maxsize=4096)
def class_text(path: Path, name: str) -> str:
    """The text of one class, from its `class` to the next top-level definition; "" if it does not exist."""
    text = text_of(path)
    opening = f"\nclass {name}"
    start = text.find(opening)
    while start >= 0 and text[start + len(opening)] not in ":(":
        start = text.find(opening, start + 1)
    if start < 0:
        return ""
    end = len(text)
    # Each search starts in the remaining text: these modules have megabytes.
    for mark in ("\nclass ", "\n@pulumi.", "\ndef ", "\nif not MYPY"):
        found = text.find(mark, start + 1, end)
        end = found if found > 0 else end
    return text[start:end]


def resource_module(folder: Path, class_name: str) -> Path | None:
    """The module in a folder that defines a resource class."""
    return _module_with(folder, snake(class_name), f"\nclass {class_name}(pulumi.CustomResource):")


def function_module(folder: Path, token: str, name: str) -> Path | None:
    """The module in a folder that defines the function with this token."""
    return _module_with(folder, snake(name), f"runtime.invoke('{token}'")


def _module_with(folder: Path, guess: str, mark: str) -> Path | None:
    first = folder / f"{guess}.py"
    if mark in text_of(first):
        return first
    # The generator's rule for file names has exceptions, for example if a name ends with capitals.
    found = (path for path in sorted(folder.glob("[a-z]*.py")) if mark in path.read_text())
    return next(found, None)


def snake(name: str) -> str:
    """The generator's file name for a class or function."""
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name).lower()


def getters(text: str) -> Iterator[Getter]:
    """The properties of a class, in the order of the text."""
    for found in _GETTER.finditer(text):
        annotation = ast.parse(found["type"], mode="eval").body
        yield Getter(found["name"] or found["python"], annotation, " ".join((found["doc"] or "").split()))


def secret_outputs(text: str) -> frozenset[str]:
    """The outputs of a resource class that its SDK marks secret."""
    found = _SECRETS.search(text)
    return frozenset(re.findall(r'"(\w+)"', found[1])) if found else frozenset()


def enum_values(text: str) -> tuple[object, ...]:
    """The values of an enum class."""
    return tuple(ast.literal_eval(value) for value in _ENUM_MEMBER.findall(text))


def arguments(text: str, name: str) -> dict[str, ast.expr]:
    """The arguments of a function by the engine's name, with their annotations."""
    start = text.find(f"\ndef {name}(")
    end = text.find("\ndef ", start + 1)
    body = text[start : end if end > 0 else len(text)]
    function = ast.parse(body).body[0]
    if not isinstance(function, ast.FunctionDef):
        raise TypeError(f"{name} is no function")
    annotations = {argument.arg: argument.annotation for argument in function.args.args}
    named = {wire: annotations[python] for wire, python in _ARGUMENT.findall(body)}
    return {wire: annotation for wire, annotation in named.items() if annotation is not None}
