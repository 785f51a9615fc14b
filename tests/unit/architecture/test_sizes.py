"""Limits of length, for every function and module of the project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from tests.unit.architecture.test_rooms import ROOT, files, tree

FUNCTION_MAX: Final = 60
MODULE_MAX: Final = 400


def functions(file: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_functions_fit_on_a_screen() -> None:
    """A function has at most 60 lines, its signature and docstring included."""
    long = {
        f"{file}: {function.name}"
        for file in files().values()
        for function in functions(file)
        if (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_MAX
    }
    assert long == set()


def test_modules_are_short() -> None:
    """A module has fewer than 400 lines."""
    long = {file for file in files().values() if len((ROOT / file).read_text().splitlines()) >= MODULE_MAX}
    assert long == set()
