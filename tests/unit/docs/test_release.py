"""Requirements of a release: one version, a changelog of it, a licence, and metadata that agree."""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

import yaml

from lab.engine.toolchain import LEAST_OFFICIAL
from tests.unit.recording.stacks import ROOT

PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEADING: Final = re.compile(r"^## \[(\d+\.\d+\.\d+)\] - (unreleased|\d{4}-\d{2}-\d{2})$", re.MULTILINE)
SECTIONS: Final = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_newest_section_of_the_changelog_is_of_the_projects_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    versions = [version for version, _ in HEADING.findall(text)]
    assert versions[0] == PROJECT["version"]
    assert len(versions) == len(set(versions)) == len(re.findall(r"^## ", text, re.MULTILINE))
    assert [date for _, date in HEADING.findall(text)[1:] if date == "unreleased"] == []
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= SECTIONS


def test_the_licence_is_named_alike_everywhere() -> None:
    assert PROJECT["license"] == yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text.splitlines()[0]
    assert "END OF TERMS AND CONDITIONS" in text


def test_the_workflow_runs_the_tests_on_every_python_that_the_project_names() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/python.yml").read_text())
    named = [classifier.rpartition(" ")[2] for classifier in PROJECT["classifiers"]]
    assert workflow["jobs"]["unit"]["strategy"]["matrix"]["python"] == named
    assert PROJECT["requires-python"] == f">={named[0]}"


def test_the_least_engine_that_runs_the_program_is_a_range_that_the_engine_reads() -> None:
    """By https://pkg.go.dev/github.com/blang/semver#ParseRange, as pulumi/pulumi, workspace/project.go says."""
    required = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["requiredPulumiVersion"]
    assert required == f">={'.'.join(map(str, LEAST_OFFICIAL))}.0"
