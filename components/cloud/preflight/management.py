"""Read-only calls to a cloud's management API, with the login that the engine's plugins use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

import requests

ENDPOINT_VARIABLE: Final = "PREFLIGHT_ENDPOINT"
"""Environment variable with a URL that receives all calls instead of the clouds. Each call's host and path are appended
to it.

For networks that reach the clouds only through a proxy, and for simulated clouds."""
CONNECT_SECONDS: Final = 3.05
"""Timeout of a connection: a network without a way to the cloud shows at once."""
ANSWER_SECONDS: Final = 20.0
PAGES_MAX: Final = 20


class RefusedError(Exception):
    """The management API did not answer a call, or refused it."""

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status: Final = status


@dataclass(frozen=True, kw_only=True)
class Management:
    """One cloud's management API."""

    token: Callable[[], str]
    """Returns a bearer token of the login; called once for each request."""
    endpoint: str = field(default_factory=lambda: os.environ.get(ENDPOINT_VARIABLE, ""))
    """The value of ENDPOINT_VARIABLE; empty means the cloud itself."""

    def get(self, url: str, **query: str) -> dict[str, Any]:
        """The answer to a GET.

        Raises:
            RefusedError: no answer, or a status other than 200, which `status` holds.
        """
        return self._call("GET", url, params=query)

    def post(self, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a POST that changes nothing.

        Raises:
            RefusedError: as for `get`.
        """
        return self._call("POST", url, json=dict(body))

    def listed(self, url: str, key: str, following: str, **query: str) -> Iterator[dict[str, Any]]:
        """Every entry of a list, page by page.

        Args:
            key: of the entries in an answer.
            following: key of the next page in an answer: a URL, or Google's `pageToken`.
        """
        for _ in range(PAGES_MAX):
            page = self.get(url, **query)
            yield from entries(page, key)
            following_page = page.get(following)
            if not following_page:
                return
            if str(following_page).startswith("https://"):
                url, query = str(following_page), {}
            else:
                query = {**query, "pageToken": str(following_page)}

    def _call(self, method: str, url: str, **rest: Any) -> dict[str, Any]:
        target = f"{self.endpoint.rstrip('/')}/{url.removeprefix('https://')}" if self.endpoint else url
        headers = {"Authorization": f"Bearer {self.token()}"}
        try:
            answer = requests.request(
                method, target, headers=headers, timeout=(CONNECT_SECONDS, ANSWER_SECONDS), **rest
            )
            content: Any = answer.json() if answer.content else {}
        except (requests.RequestException, ValueError) as error:
            raise RefusedError(f"{url} did not answer ({type(error).__name__})") from None
        if answer.status_code != 200:
            raise RefusedError(_message(content) or f"{url} answered {answer.status_code}", answer.status_code)
        return cast("dict[str, Any]", content)


def entries(content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The entries of a list in an answer; empty if there is none."""
    return cast("list[dict[str, Any]]", content.get(key) or [])


def _message(content: Any) -> str:
    """The message of a refusal; both clouds use the same form."""
    error: Any = cast("dict[str, Any]", content).get("error") if isinstance(content, dict) else None
    return str(cast("dict[str, Any]", error).get("message") or "").strip() if isinstance(error, dict) else ""
