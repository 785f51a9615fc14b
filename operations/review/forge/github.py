"""GitHub: comments of pull requests and issues, https://docs.github.com/en/rest/issues (version 2022-11-28)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from operations.errors import OperationError
from operations.review.forge.api import Api
from operations.review.forge.variables import required

BODY_MAX: Final = 65_536
"""Characters of a comment: "body is too long (maximum is 65536 characters)", the API's own message (422)."""
AUTHOR: Final = "github-actions[bot]"
"""Login of the token of a workflow run. With another token, AIRFLOW_REVIEW_AUTHOR names its login."""


@dataclass(frozen=True)
class GitHub:
    """A repository, and one of its pull requests."""

    api: Api
    number: int | None
    """The pull request; None outside of one."""
    author: str
    """Login whose comments and issues are edited. The token could edit those of others as well."""

    @property
    def body_max(self) -> int:
        """Maximum length of a text, in characters."""
        return BODY_MAX

    def labels(self) -> frozenset[str]:
        """The labels that the pull request has at this moment; a run's own record of them is older."""
        return frozenset(str(each["name"]) for each in self.api.pages(f"/issues/{self._number}/labels", per_page=100))

    def comment(self, marker: str, body: str) -> str:
        """Create or edit the comment that begins with a marker. Returns its address."""
        own = next(self._own(self.api.pages(f"/issues/{self._number}/comments", per_page=100), marker), None)
        if own is None:
            made = self.api.call("POST", f"/issues/{self._number}/comments", {"body": body})
        else:
            made = self.api.call("PATCH", f"/issues/comments/{own['id']}", {"body": body})
        return str(made["html_url"])

    def issue(self, marker: str, title: str, body: str) -> str:
        """Create or edit the open issue that begins with a marker. Returns its address."""
        own = self._issue(marker)
        if own is None:
            made = self.api.call("POST", "/issues", {"title": title, "body": body})
        else:
            made = self.api.call("PATCH", f"/issues/{own['number']}", {"title": title, "body": body})
        return str(made["html_url"])

    def close_issue(self, marker: str, body: str) -> str | None:
        """Close the open issue that begins with a marker, with this text. Returns its address, if there is one."""
        own = self._issue(marker)
        if own is None:
            return None
        changes = {"body": body, "state": "closed", "state_reason": "completed"}
        return str(self.api.call("PATCH", f"/issues/{own['number']}", changes)["html_url"])

    def _issue(self, marker: str) -> Mapping[str, Any] | None:
        listed = self.api.pages("/issues", state="open", creator=self.author, per_page=100)
        return next((each for each in self._own(listed, marker) if "pull_request" not in each), None)

    def _own(self, listed: Iterator[Any], marker: str) -> Iterator[Mapping[str, Any]]:
        for each in listed:
            if str(each["user"]["login"]) == self.author and str(each["body"] or "").startswith(marker):
                yield each

    @property
    def _number(self) -> int:
        if self.number is None:
            raise OperationError(
                "This run belongs to no pull request; run it in a workflow with `on: pull_request`, "
                "or use `--forge print`."
            )
        return self.number


def from_environment(environment: Mapping[str, str]) -> GitHub:
    """The repository and pull request of a workflow run, by the variables that GitHub sets.

    https://docs.github.com/en/actions/reference/workflows-and-actions/variables.

    Raises:
        OperationError: a variable is missing.
    """
    token = required(environment, "GITHUB_TOKEN", "set it in the step: `GITHUB_TOKEN: ${{ github.token }}`")
    repository = required(environment, "GITHUB_REPOSITORY", "run the command in a workflow, or use `--forge print`")
    url = environment.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    api = Api(
        "GitHub",
        f"{url}/repos/{repository}",
        headers,
        "the job needs `permissions: pull-requests: write` (for drift: `issues: write`); "
        "the token of a pull request from a fork can only read, see docs/pull-requests.md.",
    )
    number = re.fullmatch(r"refs/pull/(\d+)/(?:merge|head)", environment.get("GITHUB_REF", ""))
    author = environment.get("AIRFLOW_REVIEW_AUTHOR", AUTHOR)
    return GitHub(api, int(number[1]) if number else _number_of_run(environment, api), author)


def _number_of_run(environment: Mapping[str, str], api: Api) -> int | None:
    """The pull request of the run that started this one, in a workflow with `on: workflow_run`.

    It is found by the fork, branch and commit in the event, which GitHub wrote. A number in an artifact would be the
    word of the pull request's own code, and `workflow_run.pull_requests` is empty for forks.

    Raises:
        OperationError: no open pull request has this commit as its head.
    """
    if environment.get("GITHUB_EVENT_NAME") != "workflow_run":
        return None
    run = json.loads(Path(required(environment, "GITHUB_EVENT_PATH", "GitHub sets it")).read_text())["workflow_run"]
    head = f"{run['head_repository']['owner']['login']}:{run['head_branch']}"
    for pull in api.pages("/pulls", state="open", head=head, per_page=100):
        if pull["head"]["sha"] == run["head_sha"]:
            return int(pull["number"])
    raise OperationError(
        f"No open pull request of {head} has the commit {run['head_sha']}; it was closed, or has a newer commit."
    )
