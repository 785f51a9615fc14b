"""Limits of length, for every function and module of the project."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Final

from tests.unit.architecture.test_rooms import ROOT, files, tree

FUNCTION_MAX: Final = 60
MODULE_MAX: Final = 400
LONG_FUNCTIONS: Final[Mapping[str, str]] = {
    f"{file}: {function}": "to be divided as its room is rebuilt"
    for file, function in (
        ("components/airflow/instance.py", "__init__"),
        ("components/airflow/network/gateway.py", "__init__"),
    )
}
"""Functions that are still too long. A row goes as soon as its function is short enough."""
LONG_MODULES: Final[Mapping[str, str]] = {
    "tests/unit/bad_input_gcp.py": "to be divided",
}
"""Modules that are still too long, or that are tables of data: rows that are read one by one."""


def functions(file: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_functions_fit_on_a_screen() -> None:
    """A function has at most 60 lines, its signature and docstring included; an exemption that is not needed goes."""
    long = {
        f"{file}: {function.name}"
        for file in files().values()
        for function in functions(file)
        if (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_MAX
    }
    assert long == set(LONG_FUNCTIONS)


def test_modules_are_short() -> None:
    """A module has fewer than 400 lines; an exemption that is not needed goes."""
    long = {file for file in files().values() if len((ROOT / file).read_text().splitlines()) >= MODULE_MAX}
    assert long == set(LONG_MODULES)
