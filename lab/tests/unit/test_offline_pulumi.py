"""The stand-ins for parts of Pulumi stay apart, and out of use where the official ones can be had."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.engine import plugins
from lab.paths import PROJECT

PACKAGE = "lab.offline_pulumi"
INSIDE = (PROJECT / "lab/offline_pulumi", PROJECT / "lab/tests")
PROGRAM = f"""
import sys
from pathlib import Path
from lab import builds
from lab.engine.environment import environment
from lab.engine.toolchain import toolchain

tools = toolchain()
tools.build()
environment(state=Path("state"), tools=tools, simulated_clouds=True)
print(tools.cli, tools.plugins, sorted(name for name in sys.modules if name.startswith("{PACKAGE}")))
"""


def _imports() -> Iterator[tuple[str, bool]]:
    """Each import of the package from outside: the place with the module, and whether it is in a function."""
    for path in (PROJECT / "lab").rglob("*.py"):
        if any(path.is_relative_to(folder) for folder in INSIDE):
            continue
        tree = ast.parse(path.read_text())
        inner = {
            id(node)
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            for name in names:
                if name.startswith(PACKAGE):
                    yield f"{path.relative_to(PROJECT)}: {name}", id(node) in inner


def test_one_module_is_imported_from_outside_and_only_where_it_is_needed() -> None:
    found = list(_imports())
    assert found
    assert [place for place, inside in found if not inside or not place.endswith(f" {PACKAGE}.stand_ins")] == []


@pytest.fixture
def official(tmp_path: Path) -> dict[str, str]:
    """An environment in which the official command line is installed and its plugins are fetched."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pulumi").write_text("#!/bin/sh\necho v3.300.0\n")
    (programs / "pulumi-language-python").touch()
    for path in programs.iterdir():
        path.chmod(0o755)
    for name in plugins.NAMES:
        folder = tmp_path / "cache/official-plugins/plugins" / f"resource-{name}-v{plugins.sdk_version(name)}"
        folder.mkdir(parents=True)
        (folder / f"pulumi-resource-{name}").touch()
    folders = {"LAB_CACHE": str(tmp_path / "cache"), "LAB_STATE": str(tmp_path / "lab")}
    return {"PATH": f"{programs}{os.pathsep}{os.defpath}", "PYTHONPATH": str(PROJECT), "HOME": str(tmp_path), **folders}


@pytest.mark.parametrize("wish", ["official", "auto"])
def test_official_tools_are_used_without_importing_a_stand_in(
    official: dict[str, str], tmp_path: Path, wish: str
) -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env={**official, "LAB_TOOLS": wish},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.stdout, run.returncode) == ("official official []\n", 0), run.stderr
