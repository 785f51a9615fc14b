"""The pages about policies match the rules."""

from __future__ import annotations

import re
from typing import Final

import pytest

from docs import policies
from policies.catalogue import RULES
from tests.unit.recording.stacks import ROOT

README: Final = ROOT / "policies/README.md"
ROW: Final = re.compile(r"^\| ([A-Z]\d+) \| (.+?) \| (.*?) \| (.*?) \|$", re.MULTILINE)
ROWS: Final = [
    f"{letter}{number}"
    for letter, count in {"G": 23, "S": 12, "B": 6, "A": 16, "P": 8, "T": 9, "R": 6}.items()
    for number in range(1, count + 1)
]


def test_the_table_of_rules_is_up_to_date() -> None:
    text = policies.PAGE.read_text()
    assert policies.renewed(text) == text, "run: make policies"


def test_every_rule_has_one_row() -> None:
    text = policies.PAGE.read_text()
    assert [rule.id for rule in RULES if text.count(f"| `{rule.id}` |") != 1] == []


@pytest.mark.parametrize(
    "text", ["", policies.BEGIN, policies.END + policies.BEGIN, (policies.BEGIN + policies.END) * 2]
)
def test_a_page_without_its_marks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must have the lines"):
        policies.renewed(text)


def test_each_cloud_property_has_rules_or_a_reason() -> None:
    found = ROW.findall(README.read_text())
    assert [row for row, *_ in found] == ROWS
    for row, _, rules, why in found:
        assert re.findall(r"`([\w-]+)`", rules) == [rule.id for rule in RULES if row in rule.rows], row
        assert rules or why, row
    assert {row for rule in RULES for row in rule.rows} <= {*ROWS}


def test_tests_that_the_table_names_exist() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", README.read_text())
    assert named
    assert [path for path, test in named if f"def {test}(" not in (ROOT / path).read_text() and test] == []
    assert [path for path, _ in named if not (ROOT / path).exists()] == []
