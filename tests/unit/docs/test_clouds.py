"""Every assumption about the real clouds in docs/clouds.md has a source, a date and a consequence."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

from tests.unit.recording.stacks import ROOT

PAGE: Final = "docs/clouds.md"
COLUMNS: Final = ["assumption", "source", "date", "what happens if it is false"]
RULE: Final = ["---"] * len(COLUMNS)
TABLES: Final = ["Google Cloud", "Azure", "Kubernetes: plugin and engine", "Images and Airflow"]
NAMED: Final = re.compile(
    r"https://\S+"  # a page
    r"|[\w.-]+/[\w.-]+#\d+"  # a thread of a repository
    r"|[\w-]+/[\w.-]+"  # a repository, or a file in it
    r"|pulumi-[a-z-]+ \d+\.\d+"  # an SDK with its version
)
UNFOUNDED: Final = re.compile(r"none: \S.{10,}")
"""If no source was found, the cell says so and names the origin of the assumption."""
DAY: Final = re.compile(r"\d{4}-\d{2}(-\d{2})?")


def tables() -> dict[str, list[list[str]]]:
    """The rows of each table, head and rule included, by the heading above it."""
    found: dict[str, list[list[str]]] = {}
    heading = ""
    for line in (ROOT / PAGE).read_text().splitlines():
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line.strip())
            found.setdefault(heading, []).append([cell.strip() for cell in cells[1:-1]])
    return found


def assumptions() -> list[list[str]]:
    """The rows of all tables."""
    return [row for rows in tables().values() for row in rows[2:]]


def is_day(text: str) -> bool:
    """Whether a text is a date or a month in ISO form."""
    if not DAY.fullmatch(text):
        return False
    try:
        date.fromisoformat(text if len(text) > len("YYYY-MM") else f"{text}-01")
    except ValueError:
        return False
    return True


def test_every_table_has_the_four_columns_and_rows() -> None:
    found = tables()
    assert list(found) == TABLES
    assert [heading for heading, rows in found.items() if rows[:2] != [COLUMNS, RULE] or len(rows) < 3] == []


def test_no_cell_is_empty() -> None:
    assert [row for row in assumptions() if len(row) != len(COLUMNS) or not all(row)] == []


def test_every_date_is_in_iso_form() -> None:
    assert [row[2] for row in assumptions() if not is_day(row[2])] == []


def test_every_source_is_named() -> None:
    """A source without a reference cannot be checked again."""
    assert [row[1] for row in assumptions() if not (NAMED.search(row[1]) or UNFOUNDED.fullmatch(row[1]))] == []


def test_no_assumption_is_there_twice() -> None:
    found = [row[0] for row in assumptions()]
    assert sorted({assumption for assumption in found if found.count(assumption) > 1}) == []
