"""Azure DevOps: threads of pull requests, https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from operations.errors import OperationError
from operations.review.forge.api import Api
from operations.review.forge.variables import required

BODY_MAX: Final = 150_000
"""Characters of a comment: "A discussion comment cannot be longer than 150000 characters", the service's own message;
the limit is not documented, https://github.com/runatlantis/atlantis/pull/1585."""
VERSION: Final[dict[str, Any]] = {"api-version": "7.1"}
CLOSED: Final = "closed"
"""Status of a thread that no policy "all comments resolved" waits for."""


@dataclass(frozen=True)
class AzureDevOps:
    """A repository of Azure Repos, and one of its pull requests."""

    api: Api
    number: str | None
    """The pull request; None outside of one."""

    @property
    def body_max(self) -> int:
        """Maximum length of a text, in characters."""
        return BODY_MAX

    def labels(self) -> frozenset[str]:
        """The labels of the pull request."""
        listed = self.api.call("GET", f"{self._request}/labels", **VERSION)
        return frozenset(str(each["name"]) for each in listed["value"] if each.get("active", True))

    def comment(self, marker: str, body: str) -> str:
        """Create or edit the thread whose first comment begins with a marker. Returns its address."""
        threads = f"{self._request}/threads"
        # The list has no pages. The service lets nobody edit a comment of another author.
        for thread in self.api.call("GET", threads, **VERSION)["value"]:
            first = next(iter(thread.get("comments") or []), None)
            if thread.get("isDeleted") or first is None or not str(first.get("content") or "").startswith(marker):
                continue
            self.api.call("PATCH", f"{threads}/{thread['id']}/comments/{first['id']}", {"content": body}, **VERSION)
            return f"{self.api.url}{threads}/{thread['id']}"
        comment = {"parentCommentId": 0, "content": body, "commentType": "text"}
        made = self.api.call("POST", threads, {"comments": [comment], "status": CLOSED}, **VERSION)
        return f"{self.api.url}{threads}/{made['id']}"

    def issue(self, marker: str, title: str, body: str) -> str:
        """Azure Repos has no issues, and work items have fields that differ by project."""
        del marker, title, body
        raise OperationError(
            "Azure DevOps has no issues that fit every project; use `--forge print`, and let the failed run notify you."
        )

    def close_issue(self, marker: str, body: str) -> str | None:
        """There is never an issue."""
        del marker, body
        return None

    @property
    def _request(self) -> str:
        if self.number is None:
            raise OperationError(
                "This run belongs to no pull request; add it to a branch as a build validation policy, "
                "or use `--forge print`."
            )
        return f"/pullRequests/{self.number}"


def from_environment(environment: Mapping[str, str]) -> AzureDevOps:
    """The repository and pull request of a run, by the variables that Azure Pipelines sets.

    https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables. SYSTEM_ACCESSTOKEN has to be mapped in
    the step.

    Raises:
        OperationError: a variable is missing.
    """
    token = required(
        environment, "SYSTEM_ACCESSTOKEN", "map it in the step: `SYSTEM_ACCESSTOKEN: $(System.AccessToken)`"
    )
    remedy = "run the command in Azure Pipelines, or use `--forge print`"
    collection = required(environment, "SYSTEM_COLLECTIONURI", remedy).rstrip("/")
    project = required(environment, "SYSTEM_TEAMPROJECTID", remedy)
    repository = required(environment, "BUILD_REPOSITORY_ID", remedy)
    api = Api(
        "Azure DevOps",
        f"{collection}/{project}/_apis/git/repositories/{repository}",
        {"Authorization": f"Bearer {token}"},
        "give the build service of the project the right `Contribute to pull requests` on the repository.",
    )
    return AzureDevOps(api, environment.get("SYSTEM_PULLREQUEST_PULLREQUESTID") or None)
