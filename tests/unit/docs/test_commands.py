"""Keys, targets, commands and files that the pages name exist."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from components.settings import secret_keys
from components.settings.stack import Settings
from docs import settings
from policies import profiles
from tests.unit.docs import pages
from tests.unit.recording.stacks import ROOT

KEY: Final = re.compile(r"`(?:airflow:)?([a-z_]+(?:\[\d*\])?(?:\.[a-z_]+(?:\[\d*\])?)+)(?:: [^`]*)?`")
SET: Final = re.compile(r"pulumi config set (?:--secret |--path )*'?(?:airflow:)?((?:policy:)?[a-z_.\[\]\d]+)")
TARGET: Final = re.compile(r"\bmake ((?:[a-z][a-z-]+ ?)+)")
OPERATION: Final = re.compile(r"python -m operations ([a-z]+)")
FILE: Final = re.compile(
    r"`((?:components|docs|images|lab|operations|policies|tests|dags)/[\w./-]*|Pulumi\.[a-z]+\.yaml)`"
)
WRITTEN: Final = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
"""The parts of a page that are code."""
OTHERS: Final = {
    "docs/clouds.md": "fields of the clouds' APIs",
    "docs/contributing.md": "names of the code",
    "docs/coming-from/official-chart.md": "keys of the chart; the second column has a test of its own",
}
"""Pages that name keys of others, by whose."""
ROLES: Final = re.compile(r"(iap|storage)\.\w+")
"""Roles of Google Cloud."""


def written() -> Iterator[tuple[str, str]]:
    """Each page of the site, without those that the settings write, with what it shows as code."""
    for page in pages.docs():
        if page.parent != settings.FOLDER:
            yield pages.name(page), "\n".join(WRITTEN.findall(page.read_text()))


@cache
def keys() -> frozenset[str]:
    """Every key of stack files, and everything that begins one."""
    found = {row.key.replace("[]", "") for row in settings.rows(Settings)} | secret_keys.SECRETS
    return frozenset(
        ".".join(parts[:end]) for parts in (key.split(".") for key in found) for end in range(1, len(parts) + 1)
    )


def is_key(name: str) -> bool:
    """Whether stack files have this key; keys of a cloud may be written without their first name. Users name the rest
    of an option and of a secret, and choose the workload of additions to pods."""
    name = re.sub(r"^pods\.[a-z_]+", "pods.*", re.sub(r"\[\d*\]", "", name))
    return (
        name in keys()
        or f"cloud.{name}" in keys()
        or name.startswith(
            (
                "options.",
                "connections.",
                "secret_variables.",
                "secret_environment.",
                "secret_options.",
                "project_secrets.",
                "git_credentials.",
                "user_passwords.",
            )
        )
    )


def sections() -> frozenset[str]:
    """The first names of keys, and the second ones of the clouds'."""
    return frozenset(key.split(".")[-1] for key in keys() if key.count(".") == 0 or re.fullmatch(r"cloud\.\w+", key))


def test_every_key_that_a_page_names_is_one_of_stack_files() -> None:
    offenders = [
        f"{page}: {name}"
        for page, code in written()
        if page not in OTHERS
        for name in KEY.findall(code)
        if name.split(".")[0].partition("[")[0] in sections() and not name.endswith(".py") and not is_key(name)
        if not (page == "docs/start/google-cloud.md" and ROLES.fullmatch(name))
    ]
    assert offenders == []


def test_every_key_that_a_command_sets_is_one_of_stack_files() -> None:
    found = [(page, name) for page, code in written() for name in SET.findall(code)]
    assert len(found) > 5
    assert [(page, name) for page, name in found if not is_key(name) and name != profiles.OVERRIDE] == []


def test_the_second_column_of_the_charts_table_has_keys_of_stack_files() -> None:
    text = (pages.DOCS / "coming-from/official-chart.md").read_text()
    cells = [line.split("|")[2] for line in text.splitlines() if line.startswith("| `")]
    named = [name for cell in cells for name in re.findall(r"`(?:airflow:)?([a-z_.\[\]]+)(?:: [^`]*)?`", cell)]
    assert len(named) >= 20
    assert [name for name in named if not is_key(name.removesuffix(".section.option").removesuffix("."))] == []


@cache
def targets() -> frozenset[str]:
    return frozenset(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_every_target_of_make_that_a_page_names_exists() -> None:
    found = [(page, target) for page, code in written() for names in TARGET.findall(code) for target in names.split()]
    assert found
    assert [(page, target) for page, target in found if target not in targets()] == []


def test_every_command_of_operations_that_a_page_names_exists() -> None:
    named = {name for _, code in written() for name in OPERATION.findall(code)}
    assert "preflight" in named
    shown = subprocess.run(
        [sys.executable, "-m", "operations", "--help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert [name for name in named if not re.search(rf"\b{name}\b", shown)] == []


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"])
def test_the_pages_that_a_forge_shows_exist(page: str) -> None:
    assert (ROOT / page).read_text().startswith("# ")


def test_every_file_that_a_page_names_exists() -> None:
    made = ("docs/stacks/NAME.yaml", "Pulumi.small.yaml")
    found = [(page, name) for page, code in written() for name in FILE.findall(code)]
    assert len(found) > 50
    assert [(page, name) for page, name in found if name not in made and not Path(ROOT / name).exists()] == []
