"""The command `image`: stand-ins for the programs, and a real stack file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations.commands import main
from tests.unit.operations.dags.programs import PROGRAM
from tests.unit.recording.stacks import ROOT

REFERENCE = "europe-west1-docker.pkg.dev/project/images/dags:old"
SOURCES = f"  airflow:dags:\n    - kind: oci\n      reference: {REFERENCE}  # set by CI\n"
TOOLS = ("git", "podman", "gcloud", "az", "gh")


class Shell:
    """A project folder with the stack `dev`, and stand-ins alone on the PATH."""

    def __init__(self, folder: Path) -> None:
        self.bin, self.project = folder / "bin", folder / "project"
        self.bin.mkdir()
        self.project.mkdir()
        (self.project / "Pulumi.yaml").write_text("name: airflow\n")
        self.file = self.project / "Pulumi.dev.yaml"
        for name in TOOLS:
            (self.bin / name).write_text(PROGRAM)
            (self.bin / name).chmod(0o755)
        self.answers = {
            "git status": {},
            "git rev-parse": {"out": "0123456789ab\n"},
            **{name: {} for name in TOOLS},
        }

    def run(self, *arguments: str, sources: str = SOURCES) -> int:
        self.file.write_text((ROOT / "Pulumi.dev.yaml").read_text() + sources)
        (self.bin / "answers.json").write_text(json.dumps(list(self.answers.items())))
        (self.bin / "calls").unlink(missing_ok=True)
        return main(["dags", "image", "--stack", "dev", *arguments])

    def calls(self) -> list[str]:
        found = (self.bin / "calls").read_text().splitlines()
        return [" ".join([name, *given]) for name, given, _ in map(json.loads, found)]


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = Shell(tmp_path)
    monkeypatch.setenv("PATH", str(shell.bin))
    monkeypatch.chdir(shell.project)
    return shell


def test_the_image_of_the_commit_is_built_pushed_and_set(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    assert shell.run() == 0, capsys.readouterr().err
    new = REFERENCE.replace(":old", ":0123456789ab")
    assert shell.calls()[2:] == [
        f"podman build --file images/dags/Containerfile --tag {new} .",
        "gcloud auth configure-docker europe-west1-docker.pkg.dev --quiet",
        f"podman push {new}",
    ]
    assert shell.file.read_text().endswith(SOURCES.replace(REFERENCE, new))
    assert "Deploy it: pulumi up -s dev" in capsys.readouterr().out


def test_a_proposal_is_a_branch_with_the_stack_file_alone(shell: Shell) -> None:
    assert shell.run("--propose") == 0
    assert shell.calls()[-5:] == [
        "git switch --create dags-dev-0123456789ab",
        "git commit --message Deploy the DAG files of 0123456789ab to dev -- Pulumi.dev.yaml",
        "gh auth setup-git",
        "git push origin dags-dev-0123456789ab",
        "gh pr create --head dags-dev-0123456789ab --title Deploy the DAG files of 0123456789ab to dev "
        "--body By `operations dags image`.",
    ]


@pytest.mark.parametrize(
    ("registry", "login"),
    [("mine.azurecr.io/dags", "az acr login --name mine"), ("registry.example.org:5000/team/dags", None)],
)
def test_each_cloud_has_its_own_login(shell: Shell, registry: str, login: str | None) -> None:
    digest = "@sha256:" + "0" * 64
    assert shell.run(sources=f"  airflow:dags:\n    - {{kind: oci, reference: '{registry}{digest}'}}\n") == 0
    logins = [call for call in shell.calls() if "login" in call or "configure-docker" in call]
    assert logins == ([login] if login else [])
    assert shell.calls()[-1] == f"podman push {registry}:0123456789ab"


def test_an_image_that_the_stack_has_is_not_built_again(shell: Shell) -> None:
    assert shell.run(sources=SOURCES.replace(":old", ":0123456789ab")) == 0
    assert [call for call in shell.calls() if not call.startswith("git ")] == []


def test_files_that_are_not_committed_are_refused(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.answers["git status"] = {"out": " M dags/hello.py\n"}
    assert shell.run() == 2
    assert "Files in dags/ are not committed" in capsys.readouterr().err
    assert REFERENCE in shell.file.read_text()


def test_a_failed_push_leaves_the_stack_file(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.answers = {"podman push": {"err": "Error: denied\n", "code": 125}, **shell.answers}
    assert shell.run() == 2
    assert capsys.readouterr().err == "error: `podman push` failed: Error: denied\n"
    assert REFERENCE in shell.file.read_text()


@pytest.mark.parametrize(
    ("sources", "arguments", "message"),
    [
        ("", [], "Pulumi.dev.yaml has no source of kind oci in airflow:dags"),
        (SOURCES, ["--source", "team"], "has no source 'team' of kind oci; choose one: --source dags."),
        (
            SOURCES + "    - {kind: oci, name: team, reference: 'r.example.org/dags:1'}\n",
            [],
            "has several sources of kind oci; choose one: --source dags or team.",
        ),
    ],
)
def test_a_stack_without_that_image_is_refused(
    shell: Shell, sources: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shell.run(*arguments, sources=sources) == 2
    assert message in capsys.readouterr().err


def test_a_missing_builder_is_one_message(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    (shell.bin / "podman").unlink()
    assert shell.run() == 2
    assert "There is no podman and no docker on the PATH" in capsys.readouterr().err
