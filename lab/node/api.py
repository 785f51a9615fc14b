"""A minimal client of the API server: requests and watches.

The import of the official client takes most of a second, but `up` on a running node should take less than two seconds.
"""

from __future__ import annotations

import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from lab.certificates import Pair

_REQUEST_SECONDS: Final = 10.0
FIELD_MANAGER: Final = "airflow-lab"

Manifest = dict[str, Any]


class ApiError(Exception):
    """The API server refused a request, or could not be reached (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Api:
    """A server and the client certificate to use."""

    server: str
    authority: Path
    identity: Pair
    user: str = ""
    """The user to impersonate; empty is the certificate's own."""

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cafile=str(self.authority))
        context.load_cert_chain(self.identity.certificate, self.identity.key)
        # The machine's HTTP proxy cannot reach the node.
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def get(self, path: str) -> Manifest:
        """One object or a list of them."""
        return self.request("GET", path)

    def create(self, path: str, manifest: Manifest) -> None:
        """Create an object unless it exists."""
        try:
            self.request("POST", path, manifest)
        except ApiError as error:
            if error.status != 409:
                raise

    def apply(self, path: str, manifest: Manifest) -> None:
        """Server-side apply of an object; `path` is the object's path."""
        query = f"{path}?fieldManager={FIELD_MANAGER}&force=true"
        self.request("PATCH", query, manifest, content_type="application/apply-patch+yaml")

    def merge(self, path: str, patch: Manifest) -> None:
        """Change some fields of an object."""
        self.request("PATCH", path, patch, content_type="application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Delete an object; no error if it does not exist."""
        try:
            self.request("DELETE", path)
        except ApiError as error:
            if error.status != 404:
                raise

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, content_type: str = "application/json"
    ) -> Manifest:
        """The answer to one request.

        Raises:
            ApiError: there is no answer, or it is an error.
        """
        with self._open(method, path, body, content_type, _REQUEST_SECONDS) as answer:
            content = answer.read()
        return json.loads(content) if content.startswith(b"{") else {"text": content.decode()}

    def watch(self, path: str, *, seconds: int) -> Iterator[tuple[str, Manifest]]:
        """All existing objects, then each change for some time, as (ADDED, MODIFIED or DELETED, object).

        Call it in a loop: each call begins with a list of all objects, so no bookmark is needed.

        Raises:
            ApiError: the server cannot be reached, or the connection broke.
        """
        with self._open(
            "GET", f"{path}?watch=1&timeoutSeconds={seconds}", None, "", seconds + _REQUEST_SECONDS
        ) as answer:
            try:
                for line in answer:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise ApiError(event["object"].get("code", 0), event["object"].get("message", ""))
                    yield event["type"], event["object"]
            except (OSError, HTTPException, ValueError) as error:
                raise ApiError(0, f"The watch of {path} broke off: {error}") from error

    def _open(self, method: str, path: str, body: Mapping[str, Any] | None, content_type: str, timeout: float) -> Any:
        request = urllib.request.Request(  # noqa: S310 - the lab's own server, always https
            f"{self.server}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                **({} if body is None else {"Content-Type": content_type}),
                **({"Impersonate-User": self.user} if self.user else {}),
            },
        )
        try:
            return self._opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, f"{method} {path}: {error.code} {error.read(2000).decode()}") from error
        except (OSError, HTTPException) as error:
            raise ApiError(0, f"{method} {self.server}{path}: {error}") from error
