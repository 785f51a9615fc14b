"""GitLab: notes of merge requests and issues, https://docs.gitlab.com/api/notes/ and https://docs.gitlab.com/api/issues/."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from operations.errors import OperationError
from operations.review.forge.api import Api
from operations.review.forge.variables import required

BODY_MAX: Final = 1_000_000
"""Characters of a note, https://docs.gitlab.com/api/notes/#create-new-merge-request-note."""


@dataclass(frozen=True)
class GitLab:
    """A project, and one of its merge requests."""

    api: Api
    project: str
    number: str | None
    """The merge request; None outside of one."""

    @property
    def body_max(self) -> int:
        """Maximum length of a text, in characters."""
        return BODY_MAX

    def labels(self) -> frozenset[str]:
        """The labels of the merge request."""
        return frozenset(str(each) for each in self.api.call("GET", self._request)["labels"])

    def comment(self, marker: str, body: str) -> str:
        """Create or edit the note that begins with a marker. Returns its address."""
        notes = f"{self._request}/notes"
        own = next(self._own(self.api.pages(notes, per_page=100), marker, "body"), None)
        if own is None:
            made = self.api.call("POST", notes, {"body": body})
        else:
            made = self.api.call("PUT", f"{notes}/{own['id']}", {"body": body})
        return f"{self.api.call('GET', self._request)['web_url']}#note_{made['id']}"

    def issue(self, marker: str, title: str, body: str) -> str:
        """Create or edit the open issue that begins with a marker. Returns its address."""
        own = self._issue(marker)
        text = {"title": title, "description": body}
        if own is None:
            made = self.api.call("POST", f"{self._project}/issues", text)
        else:
            made = self.api.call("PUT", f"{self._project}/issues/{own['iid']}", text)
        return str(made["web_url"])

    def close_issue(self, marker: str, body: str) -> str | None:
        """Close the open issue that begins with a marker, with this text. Returns its address, if there is one."""
        own = self._issue(marker)
        if own is None:
            return None
        changes = {"description": body, "state_event": "close"}
        return str(self.api.call("PUT", f"{self._project}/issues/{own['iid']}", changes)["web_url"])

    def _issue(self, marker: str) -> Mapping[str, Any] | None:
        listed = self.api.pages(f"{self._project}/issues", state="opened", author_id=self._user, per_page=100)
        return next(self._own(listed, marker, "description"), None)

    def _own(self, listed: Iterator[Any], marker: str, text: str) -> Iterator[Mapping[str, Any]]:
        for each in listed:
            if each["author"]["id"] == self._user and str(each[text] or "").startswith(marker):
                yield each

    @cached_property
    def _user(self) -> int:
        """The id of the token's user, https://docs.gitlab.com/api/users/#get-the-current-user."""
        return int(self.api.call("GET", "/user")["id"])

    @property
    def _project(self) -> str:
        return f"/projects/{self.project}"

    @property
    def _request(self) -> str:
        if self.number is None:
            raise OperationError(
                "This job belongs to no merge request; give it the rule "
                '`if: $CI_PIPELINE_SOURCE == "merge_request_event"`, or use `--forge print`.'
            )
        return f"{self._project}/merge_requests/{self.number}"


def from_environment(environment: Mapping[str, str]) -> GitLab:
    """The project and merge request of a job, by the variables that GitLab sets.

    https://docs.gitlab.com/ci/variables/predefined_variables/. GITLAB_TOKEN is an own variable: a project access token
    with the scope `api`, because a job's own token cannot write notes.

    Raises:
        OperationError: a variable is missing.
    """
    token = required(
        environment,
        "GITLAB_TOKEN",
        "create a project access token with the scope `api` and set it as a masked variable",
    )
    url = required(environment, "CI_API_V4_URL", "run the command in a job of GitLab, or use `--forge print`")
    project = required(environment, "CI_PROJECT_ID", "run the command in a job of GitLab, or use `--forge print`")
    api = Api(
        "GitLab",
        url.rstrip("/"),
        {"PRIVATE-TOKEN": token},
        "GITLAB_TOKEN must be a project access token with the scope `api` and at least the role Reporter.",
    )
    return GitLab(api, project, environment.get("CI_MERGE_REQUEST_IID") or None)
