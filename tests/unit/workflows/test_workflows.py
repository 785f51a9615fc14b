"""Workflows of GitHub and the examples for other forges: pinned actions, minimal rights, and no logic of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.unit.recording.stacks import ROOT

FILES: Final = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED: Final = re.compile(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+(\.\d+)?")
RIGHTS: Final[Mapping[str, Mapping[str, str]]] = {
    "ci.yml ci": {"contents": "read"},
    "demo.yml kind": {"contents": "read"},
    "demo.yml minikube": {"contents": "read"},
    "demo.yml macos": {"contents": "read"},
    "python.yml unit": {"contents": "read"},
    "python.yml site": {"contents": "read"},
    "preview.yml preview": {"contents": "read", "id-token": "write", "pull-requests": "write"},
    "preview.yml simulated": {"contents": "read"},
    "preview.yml check": {},
    "comment.yml comment": {"actions": "read", "contents": "read", "pull-requests": "write"},
    "drift.yml drift": {"contents": "read", "id-token": "write", "issues": "write"},
    "dags.yml image": {"contents": "write", "id-token": "write", "pull-requests": "write"},
}
"""The rights of each job's token. A new right is a row here, and a comment beside it in the workflow."""
VALUE: Final = r'"?[\w./-]*\$?[A-Z]*[\w.^/-]*"?'
"""A word, or a variable in quotes."""
COMMANDS: Final = re.compile(
    r"make [a-z-]+( [A-Z]+=[a-z]+)*|\.ci/run|pulumi (install|login)"
    rf"|\.venv/bin/python -m (operations|lab) [a-z]+( {VALUE})*"
)
PREPARATIONS: Final[Mapping[str, str]] = {
    "apt-get update && apt-get install -y --no-install-recommends ca-certificates git make python3 python3-venv": (
        "a container of Debian has none of these"
    ),
    'git config --global --add safe.directory "$PWD"': "the checkout belongs to another user of the container",
    "exit 1": "a job that only combines the results of others",
}
"""Commands that are neither the program's nor its installation, each with its reason."""
WITHOUT_SECRETS: Final = {
    "ci.yml ci",
    "demo.yml kind",
    "demo.yml minikube",
    "demo.yml macos",
    "python.yml unit",
    "python.yml site",
    "preview.yml simulated",
    "preview.yml check",
    "comment.yml comment",
    "dags.yml image",
}


def workflow(path: Path) -> dict[str, Any]:
    return yaml.safe_load(path.read_text())


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in FILES:
        for name, job in workflow(path)["jobs"].items():
            yield f"{path.name} {name}", job


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in jobs():
        for step in job["steps"]:
            yield name, step


def test_there_are_workflows_to_look_at() -> None:
    assert len(FILES) >= 4
    assert len(list(steps())) > 20


def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it() -> None:
    """A tag can be moved to other code."""
    used = [
        f"{path.name}: {line.strip()}"
        for path in FILES
        for line in path.read_text().splitlines()
        if re.match(r"\s*(- )?uses:", line)
    ]
    assert [line for line in used if not PINNED.fullmatch(line.partition("uses: ")[2])] == []
    assert len(used) == sum("uses" in step for _, step in steps())


def test_an_action_has_one_version_everywhere() -> None:
    versions: dict[str, set[str]] = {}
    for path in FILES:
        for action, pin in re.findall(r"uses: ([\w./-]+)@(.+)", path.read_text()):
            versions.setdefault("/".join(action.split("/")[:2]), set()).add(pin)
    assert [action for action, found in versions.items() if len(found) > 1] == []


def test_every_job_has_the_rights_of_its_row() -> None:
    """A job without rights of its own has those of its workflow, and without those all that the repository gives."""
    found: dict[str, Any] = {}
    for path in FILES:
        of_all = workflow(path).get("permissions", "whatever the repository gives")
        found |= {f"{path.name} {name}": job.get("permissions", of_all) for name, job in workflow(path)["jobs"].items()}
    assert found == RIGHTS


def test_every_job_ends() -> None:
    assert [name for name, job in jobs() if not 0 < job.get("timeout-minutes", 0) <= 60] == []


def test_no_checkout_leaves_its_token_behind() -> None:
    kept = [
        name
        for name, step in steps()
        if step.get("uses", "").startswith("actions/checkout@") and step["with"].get("persist-credentials") is not False
    ]
    assert kept == []


def test_commands_are_the_programs_own() -> None:
    """A workflow's shell cannot be tested."""
    others = [
        f"{name}: {line}"
        for name, step in steps()
        for line in step.get("run", "").strip().splitlines()
        if line not in PREPARATIONS and not COMMANDS.fullmatch(line)
    ]
    assert others == []


def test_no_expression_is_part_of_a_command() -> None:
    """Its value would be run as code. Values reach commands as variables."""
    assert [name for name, step in steps() if "${{" in step.get("run", "")] == []


def test_jobs_that_run_code_of_forks_have_no_secret() -> None:
    named = [name for name, job in jobs() if "secrets." in str(job)]
    assert not WITHOUT_SECRETS & set(named)
    assert "preview.yml preview" in named


def test_the_workflow_with_rights_runs_nothing_of_the_pull_request() -> None:
    [job] = workflow(ROOT / ".github/workflows/comment.yml")["jobs"].values()
    checkouts = [step for step in job["steps"] if step.get("uses", "").startswith("actions/checkout@")]
    assert [step["with"] for step in checkouts] == [{"persist-credentials": False}]
    [download] = [step for step in job["steps"] if "download-artifact@" in step.get("uses", "")]
    assert download["with"]["path"] == "untrusted"
    assert [step["run"] for step in job["steps"] if "untrusted" in step.get("run", "")] == [job["steps"][-1]["run"]]


def test_a_skipped_preview_does_not_count_as_passed() -> None:
    """Branch protection takes a skipped job for a passed one: `check` requires that one of the others succeeded."""
    found = workflow(ROOT / ".github/workflows/preview.yml")["jobs"]
    assert set(found["check"]["needs"]) == set(found) - {"check"}
    assert found["check"]["if"] == "always()"
    assert "!contains(needs.*.result, 'success')" in found["check"]["steps"][0]["if"]
    one, other = found["preview"]["if"], found["simulated"]["if"]
    # Exactly one of the two runs: each condition is the negation of the other.
    assert other == one.replace("==", "≠").replace("!=", "==").replace("≠", "!=").replace("&&", "||")


EXAMPLES: Final = [ROOT / "docs/examples/gitlab-ci.yml", ROOT / "docs/examples/azure-pipelines.yml"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_examples_for_other_forges_call_the_same_commands(path: Path) -> None:
    text = path.read_text()
    forge = {"gitlab-ci.yml": "gitlab", "azure-pipelines.yml": "azure-pipelines"}[path.name]
    assert re.search(rf"python -m operations review .*--policy-pack policies .*--forge {forge}", text)
    assert "python -m operations drift " in text
