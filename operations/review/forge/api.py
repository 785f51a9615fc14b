"""Calls of a forge's REST API: one session, pages by the Link header, errors with a remedy."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from operations.errors import OperationError

TIMEOUT_SECONDS: Final = 30.0
RETRIES: Final = Retry(
    total=3, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504), allowed_methods=("GET", "PUT", "PATCH")
)
"""A POST is not repeated: it could create a second comment."""
PAGES_MAX: Final = 100
LENGTH: Final = re.compile(r"too (long|large)|longer than", re.IGNORECASE)
"""Words of a refusal: "body is too long (maximum is 65536 characters)" of GitHub, "is too long (maximum is 1000000
characters)" of GitLab, "A discussion comment cannot be longer than 150000 characters" of Azure DevOps."""


class ForgeError(OperationError):
    """The forge refused a call, or did not answer."""


class TextTooLongError(ForgeError):
    """The forge refused a text because of its length."""


@dataclass(frozen=True)
class Api:
    """A REST API with a login."""

    name: str
    """Name of the forge in messages."""
    url: str
    """Address without a slash at the end."""
    headers: Mapping[str, str]
    remedy: str
    """Rights that the token needs, as the remedy of a refusal."""

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        session.mount("https://", HTTPAdapter(max_retries=RETRIES))
        session.headers.update(self.headers)
        return session

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, **query: Any) -> Any:
        """The JSON of an answer.

        Args:
            method: GET, POST, PUT, PATCH.
            path: below the address, with a slash at the beginning.
            body: sent as JSON.
            query: parameters of the address.

        Raises:
            TextTooLongError: the forge refused the length of a text.
            ForgeError: the forge refused the call, or did not answer.
        """
        return self._json(self._answer(method, f"{self.url}{path}", body, query))

    def pages(self, path: str, **query: Any) -> Iterator[Any]:
        """The items of all pages of a list.

        Raises:
            ForgeError: the forge refused the call, did not answer, or names a next page on another host.
        """
        address: str | None = f"{self.url}{path}"
        for _ in range(PAGES_MAX):
            if address is None:
                return
            if urlsplit(address)[:2] != urlsplit(self.url)[:2]:
                # The token must not leave the forge.
                raise ForgeError(f"{self.name} names a next page on another host: {address}.")
            answer = self._answer("GET", address, None, query)
            yield from self._json(answer)
            # The address of the next page has the parameters of this one.
            query = {}
            address = answer.links.get("next", {}).get("url")
        raise ForgeError(f"{self.name} lists more than {PAGES_MAX} pages of {path}; delete old comments or issues.")

    def _json(self, answer: requests.Response) -> Any:
        try:
            return answer.json()
        except ValueError:
            # A login page of the service instead of an answer.
            raise ForgeError(f"{self.name} answered without JSON ({answer.status_code}): {self.remedy}") from None

    def _answer(
        self, method: str, address: str, body: Mapping[str, Any] | None, query: Mapping[str, Any]
    ) -> requests.Response:
        try:
            answer = self._session.request(
                method, address, json=body, params=dict(query), timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise ForgeError(f"{self.name} did not answer ({type(error).__name__}); run the job again.") from None
        if answer.status_code in (400, 413, 422) and LENGTH.search(answer.text):
            raise TextTooLongError(f"{self.name} refused the text: it is too long.")
        if answer.status_code in (401, 403, 404):
            raise ForgeError(
                f"{self.name} refused {method} {urlsplit(address).path} ({answer.status_code}): {self.remedy}"
            )
        if not answer.ok or answer.is_redirect:
            said = " ".join(answer.text.split())[:200]
            raise ForgeError(
                f"{self.name} answered {method} {urlsplit(address).path} with {answer.status_code}: {said}"
            )
        return answer
