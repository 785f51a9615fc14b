"""The lab can be installed without the project: it imports nothing of it, and lists the packages that it imports."""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from lab.paths import PROJECT, project

LAB = PROJECT / "lab"
BROUGHT_ALONG = {
    "grpc": "pulumi",
    "google": "pulumi",  # protobuf
}
"""Packages that come with another: the messages of plugins are made for the versions that the SDK asks for."""
INSIDE_PODS = {"airflow", "azure"}
"""Packages of the images: programs for pods are texts or files there."""


def _imports(*, tests: bool) -> dict[str, set[str]]:
    """Files by the name of the top-level package that they import."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in LAB.rglob("*.py"):
        if not tests and path.is_relative_to(LAB / "tests"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                found[name.partition(".")[0]].add(str(path.relative_to(PROJECT)))
    return found


def test_neither_the_lab_nor_its_tests_import_anything_of_the_project() -> None:
    own = {path.stem for path in PROJECT.iterdir() if path.is_dir() or path.suffix == ".py"} - {"lab"}
    assert {name: files for name, files in _imports(tests=True).items() if name in own} == {}


def test_every_package_that_the_lab_imports_is_in_its_requirements() -> None:
    lines = (LAB / "requirements.txt").read_text().splitlines()
    listed = {re.split(r"[<>=\[]", line)[0].lower() for line in lines if line and not line.startswith("#")}
    distributions = packages_distributions()
    imported = set(_imports(tests=False)) - {*sys.stdlib_module_names, *INSIDE_PODS, "lab"}
    missing = {
        name
        for name in imported
        if not listed & {each.lower() for each in distributions.get(name, [])} and BROUGHT_ALONG.get(name) not in listed
    }
    assert missing == set()


@pytest.mark.parametrize(
    ("beside", "above", "expected"), [(True, True, "checkout"), (False, True, "work"), (False, False, "work/deep")]
)
def test_the_lab_works_on_its_own_checkout_else_on_the_one_around(
    tmp_path: Path, beside: bool, above: bool, expected: str
) -> None:
    for name in ("checkout/lab", "work/deep"):
        (tmp_path / name).mkdir(parents=True)
    for folder, there in (("checkout", beside), ("work", above)):
        if there:
            (tmp_path / folder / "Pulumi.yaml").touch()
    assert project(tmp_path / "checkout/lab", tmp_path / "work/deep") == tmp_path / expected
