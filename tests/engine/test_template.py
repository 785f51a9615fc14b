"""`pulumi new` of a copy of this repository: the engine accepts it as a template, and a stack starts from it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lab.paths import PROJECT
from lab.testing.engine import Engine

HEAVY = ("lab/", "tests/", "docs/screenshots/", "benchmarks/", "images/")
"""Folders that the copy does not need, to keep the test quick."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files of the checkout, as a clone of the repository has them."""
    folder = tmp_path_factory.mktemp("template")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    for file in listed.stdout.split("\n"):
        if file and not file.startswith(HEAVY) and (PROJECT / file).is_file():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / file, folder / file)
    return folder


def pulumi(engine: Engine, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """One command of the engine in a folder, without questions."""
    return subprocess.run(
        ["pulumi", "--non-interactive", "--color", "never", *arguments],
        cwd=folder,
        env={**engine.environment, "PULUMI_BACKEND_URL": f"file://{folder.parent}"},
        check=True,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", [None, "team-airflow"])
def test_a_new_project_has_the_files_and_says_what_to_do_next(
    name: str | None, template: Path, engine: Engine, tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    named = ("--name", name, "--description", "Ours") if name is not None else ()
    said = pulumi(engine, folder, "new", str(template), "--generate-only", "--yes", *named).stdout
    assert ".venv/bin/python -m operations new NAME" in said
    project = yaml.safe_load((folder / "Pulumi.yaml").read_text())
    assert project["name"] == (name or "airflow")
    assert "template" not in project
    copied = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    assert {path.relative_to(template) for path in template.rglob("*") if path.is_file()} <= copied
    for path in copied - {Path("Pulumi.yaml")}:
        assert (folder / path).read_bytes() == (template / path).read_bytes(), path


def test_a_stack_starts_from_the_written_file(template: Path, engine: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    pulumi(engine, folder, "new", str(template), "--generate-only", "--yes")
    answers = ("--cloud", "gcp", "--account", "simulated-project", "--executor", "kubernetes")
    subprocess.run([sys.executable, "-m", "operations", "new", "small", *answers], cwd=folder, check=True)
    before = yaml.safe_load((folder / "Pulumi.small.yaml").read_text())["config"]
    pulumi(engine, folder, "stack", "init", "small")
    config = json.loads(pulumi(engine, folder, "config", "--json", "--stack", "small").stdout)
    # `pulumi new` adds a tag with the template's address.
    own = {key: value for key, value in config.items() if key.startswith("airflow:")}
    # The engine keeps switches as texts, in the file too.
    texts = {key: value if isinstance(value, dict) else str(value).lower() for key, value in before.items()}
    assert {key: value.get("objectValue", value["value"]) for key, value in own.items()} == texts
    text = (folder / "Pulumi.small.yaml").read_text()
    assert text.startswith("# yaml-language-server: $schema=docs/stack.schema.json\n")
    after = yaml.safe_load(text)["config"]
    assert {key: value for key, value in after.items() if key in texts} == texts
    operations = [sys.executable, "-m", "operations", "price"]
    environment = {**engine.environment, "PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    by_stack, by_file = (
        subprocess.run([*operations, *source], cwd=folder, env=environment, check=True, capture_output=True, text=True)
        for source in (("--stack", "small"), ("--file", "Pulumi.small.yaml"))
    )
    assert by_stack.stdout == by_file.stdout
    assert "a month (list prices of " in by_stack.stdout
