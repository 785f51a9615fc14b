"""Comments and issues on every forge: one for each marker, found on every page, with rights that end in a remedy."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from operations.errors import OperationError
from operations.review.forge.api import ForgeError, TextTooLongError
from operations.review.forge.choice import FORGES, Forge, log_address, shortened
from tests.unit.operations.review import forges
from tests.unit.operations.review.forges import FakeForge, serving

MARK: Final = "<!-- airflow-review: dev -->"


@dataclass(frozen=True)
class Row:
    """One forge, as the tests see it."""

    name: str
    fake: Callable[[], FakeForge]
    environment: Callable[..., dict[str, str]]
    text: str
    """Key of a comment's text."""
    foreign: Mapping[str, Any]
    """Author of a comment by somebody else."""
    number: str
    """The variable without which a run belongs to no pull request."""


ROWS: Final = (
    Row("github", forges.github, forges.github_environment, "body", {"user": {"login": "mallory"}}, "GITHUB_REF"),
    Row("gitlab", forges.gitlab, forges.gitlab_environment, "body", {"author": {"id": 1}}, "CI_MERGE_REQUEST_IID"),
    Row("azure-pipelines", forges.azure, forges.azure_environment, "content", {}, "SYSTEM_PULLREQUEST_PULLREQUESTID"),
)


@pytest.fixture(params=ROWS, ids=lambda row: row.name)
def row(request: pytest.FixtureRequest) -> Row:
    return request.param


@pytest.fixture
def fake(row: Row) -> Iterator[FakeForge]:
    with serving(row.fake()) as found:
        yield found


@pytest.fixture
def forge(row: Row, fake: FakeForge) -> Forge:
    return FORGES[row.name](row.environment(fake))


def test_the_first_review_creates_a_comment_and_the_next_ones_edit_it(row: Row, fake: FakeForge, forge: Forge) -> None:
    first = forge.comment(MARK, f"{MARK}\none")
    second = forge.comment(MARK, f"{MARK}\ntwo")
    assert first == second
    assert [each[row.text] for each in fake.comments] == [f"{MARK}\ntwo"]
    assert [method for method, _ in fake.writes()] == ["POST", "PUT" if row.name == "gitlab" else "PATCH"]


def test_the_comment_is_found_behind_others_and_is_not_theirs(row: Row, fake: FakeForge, forge: Forge) -> None:
    """On the third page; a quotation, another stack, and the marker in somebody else's comment are not it."""
    own: dict[str, Any] = {"user": {"login": forges.OWNER}, "author": {"id": forges.USER}}
    texts: list[str | None] = ["hello", f"> {MARK}", "<!-- airflow-review: dev simulated -->", None]
    fake.comments = [{"id": number, **own, row.text: text} for number, text in enumerate(texts, 1)]
    if row.foreign:
        fake.comments.append({"id": 5, **row.foreign, row.text: f"{MARK}\ntrap"})
    before = [dict(each) for each in fake.comments]
    forge.comment(MARK, f"{MARK}\none")
    forge.comment(MARK, f"{MARK}\ntwo")
    assert fake.comments[:-1] == before
    assert fake.comments[-1][row.text] == f"{MARK}\ntwo"


def test_labels_are_read_from_every_page(row: Row, fake: FakeForge, forge: Forge) -> None:
    fake.labels = ["a", "b", "allow-replace"]
    assert forge.labels() == {"a", "b", "allow-replace"}


def test_a_token_that_may_only_read_ends_with_the_right_that_it_needs(fake: FakeForge, forge: Forge, row: Row) -> None:
    fake.read_only = True
    with pytest.raises(ForgeError, match=r"refused POST .* \(403\): ") as caught:
        forge.comment(MARK, MARK)
    remedy = {
        "github": "`permissions: pull-requests: write`",
        "gitlab": "with the scope `api`",
        "azure-pipelines": "`Contribute to pull requests`",
    }
    assert remedy[row.name] in str(caught.value)
    assert fake.comments == []


def test_a_wrong_token_is_refused_without_its_value(row: Row, fake: FakeForge) -> None:
    environment = {
        key: "wrong-token" if value == forges.TOKEN else value for key, value in row.environment(fake).items()
    }
    with pytest.raises(ForgeError, match="401") as caught:
        FORGES[row.name](environment).labels()
    assert "wrong-token" not in str(caught.value)


def test_a_text_that_is_too_long_for_the_forge_is_shortened(fake: FakeForge, forge: Forge, row: Row) -> None:
    """Forges count bytes, characters or UTF-16 units, and change their limits."""
    fake.length_max = forge.body_max // 3
    tried: list[int] = []

    def write(length_max: int) -> str | None:
        tried.append(length_max)
        return forge.comment(MARK, MARK.ljust(length_max, "x"))

    assert shortened(forge, write) is not None
    assert tried == [forge.body_max, forge.body_max // 2, forge.body_max // 4]
    assert len(fake.comments[0][row.text]) == forge.body_max // 4
    fake.length_max = 10
    with pytest.raises(TextTooLongError):
        shortened(forge, write)


def test_the_limits_are_those_of_the_forges() -> None:
    limits = {}
    for row in ROWS:
        fake = row.fake()
        forge = FORGES[row.name](row.environment(fake))
        assert forge.body_max == fake.length_max
        limits[row.name] = forge.body_max
    assert limits == {"github": 65_536, "gitlab": 1_000_000, "azure-pipelines": 150_000}


def test_outside_of_a_pull_request_the_message_says_how_to_run_it(row: Row, fake: FakeForge) -> None:
    forge = FORGES[row.name](row.environment(fake, **{row.number: ""}))
    with pytest.raises(OperationError, match=r"belongs to no (pull|merge) request; .* or use `--forge print`"):
        forge.comment(MARK, MARK)


@pytest.mark.parametrize("missing", ["GITHUB_TOKEN", "CI_API_V4_URL", "GITLAB_TOKEN", "SYSTEM_ACCESSTOKEN"])
def test_a_missing_variable_is_named_with_its_remedy(missing: str) -> None:
    [row] = [row for row in ROWS if missing in row.environment(row.fake())]
    environment = row.environment(row.fake())
    del environment[missing]
    with pytest.raises(OperationError, match=f"The variable {missing} is not set; .{{10,}}"):
        FORGES[row.name](environment)


def test_a_forge_that_does_not_answer_is_named(row: Row) -> None:
    unreached = row.fake()
    unreached.url = "http://127.0.0.1:9"
    with pytest.raises(ForgeError, match="did not answer"):
        FORGES[row.name](row.environment(unreached)).labels()


def test_a_login_page_is_not_taken_for_an_answer() -> None:
    with serving(forges.azure()) as fake:
        environment = forges.azure_environment(fake, SYSTEM_PULLREQUEST_PULLREQUESTID="8")
        with pytest.raises(ForgeError, match="answered without JSON"):
            FORGES["azure-pipelines"](environment).labels()


def test_the_token_never_follows_a_link_to_another_host() -> None:
    def elsewhere(forge: FakeForge, method: str, path: str, query: Mapping[str, str], body: Any) -> forges.Answer:
        return forges.Answer([], headers={"Link": '<https://evil.test/>; rel="next"'})

    with serving(forges.github()) as fake:
        fake.answer = elsewhere
        with pytest.raises(ForgeError, match="another host"):
            FORGES["github"](forges.github_environment(fake)).labels()


@pytest.mark.parametrize("row", ROWS[:2], ids=lambda row: row.name)
def test_drift_opens_one_issue_edits_it_and_closes_it(row: Row, fake: FakeForge, forge: Forge) -> None:
    mark = "<!-- airflow-drift: dev -->"
    assert forge.close_issue(mark, mark) is None
    first = forge.issue(mark, "Drift", f"{mark}\none")
    other = forge.issue("<!-- airflow-drift: prod -->", "Drift", "<!-- airflow-drift: prod -->")
    assert forge.issue(mark, "Drift again", f"{mark}\ntwo") == first != other
    assert len(fake.issues) == 2
    assert fake.issues[0]["title"] == "Drift again"
    assert forge.close_issue(mark, f"{mark}\ngone") == first
    assert [each["state"] for each in fake.issues] in (["closed", "open"], ["closed", "opened"])
    assert forge.issue(mark, "Drift", mark) not in (first, other)


def test_azure_has_no_issues_and_says_what_to_do() -> None:
    forge = FORGES["azure-pipelines"](forges.azure_environment(forges.azure()))
    with pytest.raises(OperationError, match="use `--forge print`"):
        forge.issue(MARK, "Drift", MARK)


def event(folder: Path, sha: str) -> str:
    """The event of a workflow that runs after the one of a fork."""
    run = {"head_repository": {"owner": {"login": "fork"}}, "head_branch": "patch", "head_sha": sha}
    path = folder / "event.json"
    path.write_text(json.dumps({"workflow_run": run}))
    return str(path)


def test_the_pull_request_of_a_fork_is_found_by_githubs_event(tmp_path: Path) -> None:
    """Not by a number in the artifact, which the fork's code could choose."""
    with serving(forges.github()) as fake:
        fake.pulls = [
            {"number": number, "head": {"sha": sha, "label": "fork:patch"}} for number, sha in ((6, "old"), (7, "new"))
        ]
        own = {"GITHUB_REF": "refs/heads/main", "GITHUB_EVENT_NAME": "workflow_run"}
        environment = forges.github_environment(fake, **own, GITHUB_EVENT_PATH=event(tmp_path, "new"))
        assert FORGES["github"](environment).comment(MARK, MARK) == "https://github.test/7#1"
        environment["GITHUB_EVENT_PATH"] = event(tmp_path, "newer")
        with pytest.raises(OperationError, match="No open pull request of fork:patch has the commit newer"):
            FORGES["github"](environment)


@pytest.mark.parametrize(
    ("environment", "address"),
    [
        (
            {"GITHUB_RUN_ID": "1", "GITHUB_SERVER_URL": "https://g.test", "GITHUB_REPOSITORY": "o/r"},
            "https://g.test/o/r/actions/runs/1",
        ),
        ({"CI_JOB_URL": "https://gitlab.test/job/1"}, "https://gitlab.test/job/1"),
        (
            {"BUILD_BUILDID": "1", "SYSTEM_COLLECTIONURI": "https://a.test/o/", "SYSTEM_TEAMPROJECTID": "p"},
            "https://a.test/o/p/_build/results?buildId=1",
        ),
        ({}, ""),
    ],
)
def test_the_log_is_that_of_the_job(environment: dict[str, str], address: str) -> None:
    assert log_address(environment) == address
