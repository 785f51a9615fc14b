"""The forge of a run, by the value of `--forge`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from operations.review.forge import azure, github, gitlab
from operations.review.forge.api import TextTooLongError


class Forge(Protocol):
    """The calls that a review makes: they create or edit one text, which a marker at its beginning identifies."""

    @property
    def body_max(self) -> int:
        """Maximum length of a text, in characters."""
        ...

    def labels(self) -> frozenset[str]:
        """The labels of the pull request."""
        ...

    def comment(self, marker: str, body: str) -> str:
        """Create or edit a comment of the pull request. Returns its address."""
        ...

    def issue(self, marker: str, title: str, body: str) -> str:
        """Create or edit an open issue. Returns its address."""
        ...

    def close_issue(self, marker: str, body: str) -> str | None:
        """Close an open issue. Returns its address, None if there is none."""
        ...


SHORTENED: Final = (1.0, 0.5, 0.25)
"""Shares of the maximum length that are tried, because forges count characters in different ways."""
PRINT: Final = "print"
"""Value of `--forge` that only prints."""
FORGES: Final[Mapping[str, Callable[[Mapping[str, str]], Forge]]] = {
    "github": github.from_environment,
    "gitlab": gitlab.from_environment,
    "azure-pipelines": azure.from_environment,
}


def shortened(forge: Forge, write: Callable[[int], str | None]) -> str | None:
    """The result of a call that writes a text of at most this many characters; again with less if it is refused.

    Raises:
        TextTooLongError: the shortest text is refused as well.
    """
    for share in SHORTENED[:-1]:
        try:
            return write(int(forge.body_max * share))
        except TextTooLongError:
            continue
    return write(int(forge.body_max * SHORTENED[-1]))


def log_address(environment: Mapping[str, str]) -> str:
    """The address of the log of this run, by the variables that a forge sets; "" outside of one."""
    if "GITHUB_RUN_ID" in environment:
        return (
            f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{environment.get('GITHUB_REPOSITORY', '')}"
            f"/actions/runs/{environment['GITHUB_RUN_ID']}"
        )
    if "CI_JOB_URL" in environment:
        return environment["CI_JOB_URL"]
    if "BUILD_BUILDID" in environment and "SYSTEM_COLLECTIONURI" in environment:
        collection = environment["SYSTEM_COLLECTIONURI"].rstrip("/")
        project = environment.get("SYSTEM_TEAMPROJECTID", "")
        return f"{collection}/{project}/_build/results?buildId={environment['BUILD_BUILDID']}"
    return ""
