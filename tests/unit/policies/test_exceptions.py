"""Exceptions of findings, in the file that the engine reads as well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from policies.catalogue import RULES
from policies.evaluation import findings
from policies.exceptions import ExceptionsError, read
from tests.unit.policies import recorded
from tests.unit.recording.stacks import ROOT

KNOWN = {rule.id for rule in RULES}
STACK = "azure, stack file prod"


def written(folder: Path, exceptions: Any, version: Any = 2) -> Path:
    path = folder / "exceptions.json"
    path.write_text(json.dumps({"version": version, "exceptions": exceptions}))
    return path


def entry(reason: str = "moves in May", **match: Any) -> dict[str, Any]:
    return {"reason": reason, "match": [{"policies": ["postgres-standby"], "targets": ["urn::server"], **match}]}


def test_the_shipped_file_is_valid_and_excepts_nothing() -> None:
    assert read(ROOT / "policies/exceptions.json", KNOWN) == []


def test_an_excepted_finding_stays_in_the_list_with_its_reason(tmp_path: Path) -> None:
    stack = tuple(each._replace(protect=False) for each in recorded.resources(STACK))
    before = [each for each in findings(stack, "prod") if each.fails]
    assert {each.rule.id for each in before} == {"data-protection"}
    first, *rest = [each.resource.urn for each in before]
    path = written(tmp_path, {"one": entry(policies=["data-protection"], targets=[first])})
    after = findings(stack, "prod", read(path, KNOWN))
    assert [each.resource.urn for each in after if each.fails] == rest
    [excepted] = [each for each in after if each.exception]
    assert (excepted.resource.urn, excepted.exception, excepted.level) == (first, "moves in May", "mandatory")
    assert str(excepted).endswith("(excepted: moves in May)")


@pytest.mark.parametrize(
    ("exceptions", "message"),
    [
        ({"one": entry(reason=" ")}, "exceptions.one.reason: String should have at least 1 character"),
        ({"one": entry(policies=[])}, "exceptions.one.match.0.policies: List should have at least 1 item"),
        ({"one": entry(targets=[])}, "exceptions.one.match.0.targets: List should have at least 1 item"),
        ({"one": {**entry(), "until": "May"}}, "exceptions.one.until: Extra inputs are not permitted"),
        ({"one": {"reason": "x"}}, "exceptions.one.match: Field required"),
        (
            {"one": entry(policies=["all"]), "two": entry(policies=["no-such-rule"])},
            "exceptions.one: all is no rule of this pack; exceptions.two: no-such-rule is no rule of this pack",
        ),
    ],
)
def test_an_exception_needs_a_reason_a_rule_and_a_resource(tmp_path: Path, exceptions: Any, message: str) -> None:
    with pytest.raises(ExceptionsError) as refused:
        read(written(tmp_path, exceptions), KNOWN)
    assert message in str(refused.value)
    assert "docs/policies.md" in str(refused.value)


def test_a_file_of_another_version_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExceptionsError, match="version: Input should be 2"):
        read(written(tmp_path, {}, version=1), KNOWN)
    with pytest.raises(ExceptionsError, match="No such file"):
        read(tmp_path / "none.json", KNOWN)
    (tmp_path / "text.json").write_text("profile: dev")
    with pytest.raises(ExceptionsError, match="the file: Invalid JSON"):
        read(tmp_path / "text.json", KNOWN)
