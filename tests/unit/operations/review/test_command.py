"""The whole command on files and a forge of this machine: one comment, and every way to end without a result."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from operations.commands import main
from operations.review import engine
from operations.review.engine import Output
from operations.review.forge.choice import FORGES
from tests.unit.operations.review import forges
from tests.unit.operations.review.events import DATABASE, message, policy, step, stream, summary
from tests.unit.operations.review.forges import FakeForge, serving
from tests.unit.recording.stacks import ROOT

SCALED: Final = stream(
    step(
        "update",
        name="worker",
        old={"spec": {"replicas": 2}},
        new={"spec": {"replicas": 3}},
        diff={"spec.replicas": "update"},
    ),
    policy("advisory", name="labels", message="Label it."),
    summary(packs={"airflow": "v1"}),
)
REPLACED: Final = stream(
    step("replace", DATABASE, "db", old={"region": "a"}, new={"region": "b"}, diff={"region": "update-replace"}),
    summary(),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with the stack dev, whose last commit is its base revision."""
    (tmp_path / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text())
    (tmp_path / "Pulumi.dev.yaml").write_text((ROOT / "Pulumi.dev.yaml").read_text())
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "base"]):
        own = ["-c", "user.name=a", "-c", "user.email=a@b.test", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *own, *command], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_BUILDID"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def forge(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeForge]:
    with serving(forges.github()) as fake:
        for name, value in forges.github_environment(fake, GITHUB_RUN_ID="5").items():
            monkeypatch.setenv(name, value)
        yield fake


def preview(folder: Path, text: str = SCALED) -> list[str]:
    (folder / "preview.jsonl").write_text(text)
    return ["review", "--stack", "dev", "--preview", str(folder / "preview.jsonl")]


def change(folder: Path, *keys: str, value: object) -> None:
    """Change a setting in the stack's file."""
    path = folder / "Pulumi.dev.yaml"
    content = yaml.safe_load(path.read_text())
    place: Any = content["config"]
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    path.write_text(yaml.safe_dump(content))


def test_a_pull_request_gets_one_comment_with_changes_price_and_policies(project: Path, forge: FakeForge) -> None:
    change(project, "airflow:cloud", "cluster", "system_nodes", "nodes_max", value=4)
    arguments = [*preview(project), "--base", "HEAD", "--policy-pack", "policies", "--forge", "github"]
    assert main(arguments) == 0
    assert main(arguments) == 0
    [comment] = forge.comments
    text = comment["body"]
    assert text.startswith("<!-- airflow-review: dev -->\n")
    assert "✅ **The check passes.**" in text
    assert "  - `spec.replicas`: `2` → `3`" in text
    assert "- advisory `labels`: `Label it.`" in text
    assert "**+$0 to +$" in text
    assert "(list prices of 20" in text
    assert "- `system nodes e2-standard-4" in text
    assert "[Log of this run](https://github.com/owner/repository/actions/runs/5)" in text


def test_a_replaced_database_fails_until_the_label_is_set(project: Path, forge: FakeForge) -> None:
    arguments = [*preview(project, REPLACED), "--forge", "github"]
    assert main(arguments) == 1
    assert "`db` would be replaced: this destroys the metadata of Airflow" in forge.comments[0]["body"]
    forge.labels = ["a", "b", "allow-replace"]
    assert main(arguments) == 0
    assert "✅ **The check passes.**" in forge.comments[0]["body"]
    allowed = forge.comments[0]["body"].partition("The label allows these changes:")[2]
    assert "- `db` would be replaced: this destroys the metadata of Airflow" in allowed
    assert main([*arguments, "--allow-label", "destroys-data"]) == 1
    assert len(forge.comments) == 1


def test_labels_can_be_given_where_nobody_may_ask_the_forge(project: Path) -> None:
    assert main([*preview(project, REPLACED), "--labels", "a, allow-replace"]) == 0
    assert main([*preview(project, REPLACED), "--labels", "a"]) == 1


def test_the_complete_text_is_printed_written_and_put_into_the_summary(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project / "summary"))
    assert main([*preview(project), "--output", str(project / "review.md")]) == 0
    printed = capsys.readouterr().out
    assert "  - `spec.replicas`: `2` → `3`" in printed
    assert (project / "review.md").read_text() == (project / "summary").read_text() == printed


def test_a_long_comment_is_cut_and_the_log_has_everything(
    project: Path, forge: FakeForge, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [step("update", name=f"n{n:05}", old={"a": 1}, new={"a": 2}, diff={"a": "update"}) for n in range(2000)]
    assert main([*preview(project, stream(*steps, summary())), "--forge", "github"]) == 0
    text = forge.comments[0]["body"]
    assert 60_000 < len(text) <= 65_536
    assert "This comment is cut" in text
    assert "actions/runs/5" in text
    assert "n01999" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (stream(message("error: no quota"), summary("failed")), "error: no quota"),
        (stream(step("create")), "did not end"),
        ("error: no stack named 'dev' found", "has no event of the engine"),
        ("", "is empty"),
    ],
)
def test_a_preview_that_failed_fails_the_check_and_says_so_in_the_comment(
    project: Path, forge: FakeForge, text: str, told: str
) -> None:
    assert main([*preview(project, text), "--forge", "github"]) == 2
    assert "⚠️ **The check fails: the review is not complete.**" in forge.comments[0]["body"]
    assert told in forge.comments[0]["body"]


def test_a_preview_that_was_never_written_names_the_file(project: Path, forge: FakeForge) -> None:
    assert main(["review", "--stack", "dev", "--preview", "none.jsonl", "--simulated", "--forge", "github"]) == 2
    assert "none.jsonl cannot be read: No such file or directory" in forge.comments[0]["body"]
    assert "_Simulated:" in forge.comments[0]["body"]


def test_policies_that_did_not_run_fail_the_check(project: Path) -> None:
    assert main([*preview(project, stream(summary())), "--policy-pack", "policies"]) == 2


def test_a_region_without_prices_fails_the_check_with_its_remedy(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(project, "airflow:cloud", "region", value="africa-south1")
    assert main(preview(project)) == 2
    printed = capsys.readouterr().out
    assert "no prices of region 'africa-south1'" in printed
    assert "price-refresh" in printed
    assert main([*preview(project), "--no-price"]) == 0


def test_a_size_without_a_price_fails_the_check_because_the_sum_would_be_too_low(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change(project, "airflow:cloud", "cluster", "system_nodes", "machine_type", value="m3-standard-8")
    assert main(preview(project)) == 2
    assert "The price list has no price of system nodes" in capsys.readouterr().out


def test_a_preview_that_fails_without_a_reason_in_its_events_fails_the_check(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ended(stack: str, policy_packs: object) -> Output:
        return Output(text=stream(summary()), code=255, errors="error: the plugin crashed\n")

    monkeypatch.setattr(engine, "preview", ended)
    assert main(["review", "--stack", "dev"]) == 2
    assert (
        "The preview ended with exit code 255: `The Pulumi command line cannot preview stack dev: the plugin crashed`"
        in (capsys.readouterr().out)
    )


def test_a_new_stack_has_a_price_and_no_change(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    subprocess.run(["git", "mv", "Pulumi.dev.yaml", "Pulumi.other.yaml"], cwd=project, check=True)
    (project / "preview.jsonl").write_text(SCALED)
    arguments = ["review", "--stack", "other", "--preview", str(project / "preview.jsonl")]
    assert main([*arguments, "--base", "HEAD"]) == 0
    assert "New stack: $" in capsys.readouterr().out


def test_without_a_changed_size_the_price_stays(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(project, "airflow:executor", "workers", "replicas", value=3)
    assert main([*preview(project), "--base", "HEAD"]) == 0
    assert "No change: $" in capsys.readouterr().out


def test_a_revision_that_is_not_there_is_named_with_the_remedy(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*preview(project), "--base", "HEAD^9"]) == 2
    printed = capsys.readouterr().out
    assert "the revision 'HEAD^9' is not in this checkout" in printed
    assert "fetch-depth: 2" in printed


@pytest.mark.parametrize("text", ["[1]", "config: 1", "a: [", "config:\n  airflow:cloud: {kind: gcp}"])
def test_a_stack_file_that_cannot_be_read_fails_the_check(project: Path, text: str) -> None:
    (project / "Pulumi.dev.yaml").write_text(text)
    assert main(preview(project)) == 2


def test_a_file_of_the_pull_request_can_stand_for_the_checkouts_own(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "untrusted").mkdir()
    (project / "untrusted/Pulumi.dev.yaml").write_text((project / "Pulumi.dev.yaml").read_text())
    change(project / "untrusted", "airflow:cloud", "cluster", "system_nodes", "nodes_max", value=4)
    arguments = [*preview(project), "--stack-file", "untrusted/Pulumi.dev.yaml", "--base", "HEAD"]
    assert main(arguments) == 0
    assert "**+$0 to +$" in capsys.readouterr().out


def test_a_token_that_may_only_read_fails_after_the_review_is_printed(
    project: Path, forge: FakeForge, capsys: pytest.CaptureFixture[str]
) -> None:
    forge.read_only = True
    assert main([*preview(project), "--forge", "github"]) == 2
    printed = capsys.readouterr()
    assert "✅ **The check passes.**" in printed.out
    assert printed.err.startswith("error: GitHub refused POST ")
    assert "the token of a pull request from a fork can only read" in printed.err
    assert len(printed.err.splitlines()) == 1


@pytest.mark.parametrize("stack", ["", "a b", "--evil", "a/b/c/d", "dev --> <b>", "x\ny"])
def test_what_is_no_name_of_a_stack_is_refused(project: Path, stack: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["review", f"--stack={stack}", "--preview", "x"]) == 2
    assert "is not the name of a stack" in capsys.readouterr().err


def test_every_forge_is_one_of_the_choices(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["review", "--help"])
    assert "{print,github,gitlab,azure-pipelines}" in capsys.readouterr().out
    assert list(FORGES) == ["github", "gitlab", "azure-pipelines"]


def test_prices_of_hostile_files_are_no_markdown(project: Path, forge: FakeForge) -> None:
    change(project, "airflow:cloud", "region", value="@team ![x](https://evil.test) <img>")
    assert main([*preview(project), "--forge", "github"]) == 2
    [line] = [line for line in forge.comments[0]["body"].splitlines() if "@team" in line]
    assert line.startswith("- The price could not be computed: `")
    assert line.endswith("`")


def test_events_are_what_the_engine_writes() -> None:
    """The helper of these tests writes one JSON object a line."""
    assert all(json.loads(line)["sequence"] >= 0 for line in SCALED.splitlines())


def test_values_that_pulumi_wrote_as_text_are_read_like_the_engine_reads_them(project: Path) -> None:
    """`pulumi config set airflow:protect true` writes "true"."""
    change(project, "airflow:example_dags", value="true")
    assert main(preview(project)) == 0
