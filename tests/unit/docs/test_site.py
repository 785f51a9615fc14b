"""The site: its pages, its links, and what its pages quote."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.unit.docs import pages
from tests.unit.recording.stacks import ROOT

QUOTED: Final = re.compile(r"`([^`]+)`")
FOREIGN: Final = re.compile(r"\((?:Pulumi|Google Cloud|Azure|Kubernetes|kubectl)[^)]*\)")
"""The origin of a quoted message that is not this program's."""
SOURCES: Final = ("components", "operations", "lab")
STATUS: Final = ("done", "partly", "not yet", "not needed")
TEST: Final = re.compile(r"`((?:lab/)?tests/[\w/]+\.py)::(\w+)`")


class Loader(yaml.SafeLoader):
    """Reads mkdocs.yml, in which a Python name is only a name."""


def _python_name(loader: Loader, suffix: str, node: yaml.Node) -> str:
    del loader, node
    return suffix


Loader.add_multi_constructor("tag:yaml.org,2002:python/name:", _python_name)


def listed(nav: Any) -> Iterator[str]:
    """Every page of a nav."""
    if isinstance(nav, str):
        yield nav
    else:
        for entry in nav if isinstance(nav, list) else nav.values():
            yield from listed(entry)


def site() -> dict[str, Any]:
    return yaml.load((ROOT / "mkdocs.yml").read_text(), Loader)


def test_every_page_is_listed_once_and_every_listed_page_exists() -> None:
    nav = sorted(f"docs/{page}" for page in listed(site()["nav"]))
    assert nav == sorted(map(pages.name, pages.docs())), "mkdocs.yml lists every page"


@pytest.mark.parametrize("page", pages.checked(), ids=pages.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Addresses of others are not asked: only their form is checked."""
    found = {target: pages.fault(page, target) for target in pages.links(page.read_text())}
    assert {target: fault for target, fault in found.items() if fault is not None} == {}


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("settings/index.md", None),
        ("settings/index.md#secrets", None),
        ("#secrets", "is no heading of docs/index.md"),
        ("settings/index.md#nothing", "is no heading of docs/settings/index.md"),
        ("nothing.md", "is no file"),
        ("../README.md", "leaves docs/, which is all that the site has"),
        ("https://", "is no address"),
        ("https://example.org/a#b", None),
    ],
)
def test_a_link_that_leads_nowhere_is_named(target: str, fault: str | None) -> None:
    assert pages.fault(pages.DOCS / "index.md", target) == fault


def test_links_in_code_are_none_and_images_are() -> None:
    text = "[a](b.md) ![c](d.png) `[e](f.md)`\n```\n[g](h.md)\n```\n<https://i.org>"
    assert [*pages.links(text)] == ["b.md", "d.png", "https://i.org"]


def test_every_page_begins_with_its_title() -> None:
    assert [pages.name(page) for page in pages.docs() if not page.read_text().startswith("# ")] == []


@pytest.mark.parametrize("page", ["laptop", "google-cloud", "azure"])
def test_every_start_says_what_it_needs_how_long_it_takes_and_what_it_costs(page: str) -> None:
    text = (pages.DOCS / f"start/{page}.md").read_text()
    account = ("## Roles", "## Quotas") if page != "laptop" else ()
    wanted = ("## What you need", "Duration", "Price:", "A DAG of your own", "Remove it", *account)
    assert [words for words in wanted if words not in text] == []


def texts() -> str:
    """All texts in the program's sources, joined where a text is written in several pieces."""
    found: list[str] = []
    for path in (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py") if "tests" not in path.parts):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(part.value if isinstance(part, ast.Constant) else "\0" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def quoted() -> Iterator[str]:
    """Every message of this program in the tables of the page of messages, in pieces without values."""
    text = (pages.DOCS / "troubleshooting.md").read_text().partition("## In Airflow")[0]
    for line in text.splitlines():
        if line.startswith("| `") and not FOREIGN.search(line.split(" | ")[0]):
            yield from QUOTED.findall(line.split(" | ")[0])


def test_every_quoted_message_of_this_program_is_in_its_source() -> None:
    messages = [*quoted()]
    assert len(messages) > 25
    source = texts()
    assert [message for message in messages if message not in source] == []


def named_tests(page: str) -> list[tuple[str, str]]:
    """File and function of each test that a page names."""
    return TEST.findall((pages.DOCS / page).read_text())


@pytest.mark.parametrize("page", ["features.md", "operations/runbook.md"])
def test_every_test_that_a_page_names_exists(page: str) -> None:
    named = named_tests(page)
    assert named
    assert [(file, name) for file, name in named if f"def {name}(" not in _text(file)] == []


def _text(file: str) -> str:
    path = ROOT / file
    return path.read_text() if path.exists() else ""


def test_every_feature_has_one_row_with_a_status_and_what_is_done_has_a_test() -> None:
    text = (pages.DOCS / "features.md").read_text()
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| F")
    ]
    assert [row[0] for row in rows] == [f"F{number}" for number in range(1, 152)]
    assert [row[0] for row in rows if row[2] not in STATUS] == []
    assert [row[0] for row in rows if row[2] == "done" and not TEST.fullmatch(row[4])] == []
    assert [row[0] for row in rows if row[2] in ("partly", "not needed") and not (row[3] or row[4])] == []
    counts = ", ".join(f"{sum(row[2] == status for row in rows)} {status}" for status in STATUS)
    assert f"Status: {counts}." in text
