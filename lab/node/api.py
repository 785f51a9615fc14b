"""A minimal client of the API server: a request, and a watch.

Importing the official client costs most of a second, and `up` on a running node should take less than two in all.
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

from lab.node.certificates import Pair

_REQUEST_SECONDS: Final = 10.0
FIELD_MANAGER: Final = "airflow-lab"

Manifest = dict[str, Any]


class ApiError(Exception):
    """The API server refused, or could not be reached (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Api:
    """One server and the identity that asks it."""

    server: str
    authority: Path
    identity: Pair

    @cached_property
    def _opener(self) -> urllib.request.OpenerDirector:
        context = ssl.create_default_context(cafile=str(self.authority))
        context.load_cert_chain(self.identity.certificate, self.identity.key)
        # A proxy of the machine knows no way to the node.
        return urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )

    def get(self, path: str) -> Manifest:
        """One object or a list of them."""
        return self.request("GET", path)

    def create(self, path: str, manifest: Manifest) -> None:
        """Create an object unless it is there."""
        try:
            self.request("POST", path, manifest)
        except ApiError as error:
            if error.status != 409:
                raise

    def apply(self, path: str, manifest: Manifest) -> None:
        """Make an object so (server-side apply); `path` is the object's own."""
        query = f"{path}?fieldManager={FIELD_MANAGER}&force=true"
        self.request("PATCH", query, manifest, content_type="application/apply-patch+yaml")

    def merge(self, path: str, patch: Manifest) -> None:
        """Change some fields of an object."""
        self.request("PATCH", path, patch, content_type="application/merge-patch+json")

    def delete(self, path: str) -> None:
        """Delete an object; one that is gone already is no fault."""
        try:
            self.request("DELETE", path)
        except ApiError as error:
            if error.status != 404:
                raise

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, content_type: str = "application/json"
    ) -> Manifest:
        """Answer of one request.

        Raises:
            ApiError: no answer, or one that is not a success.
        """
        with self._open(method, path, body, content_type, _REQUEST_SECONDS) as answer:
            content = answer.read()
        return json.loads(content) if content.startswith(b"{") else {"text": content.decode()}

    def watch(self, path: str, *, seconds: int) -> Iterator[tuple[str, Manifest]]:
        """Every object that is there, then each change, for a while: (ADDED, MODIFIED or DELETED, object).

        Starting over costs one list, so there is no bookmark to lose: call it in a loop.

        Raises:
            ApiError: the server cannot be reached, or broke off.
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
        request = urllib.request.Request(  # noqa: S310 - the server is ours, always https
            f"{self.server}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={} if body is None else {"Content-Type": content_type},
        )
        try:
            return self._opener.open(request, timeout=timeout)
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, f"{method} {path}: {error.code} {error.read(2000).decode()}") from error
        except (OSError, HTTPException) as error:
            raise ApiError(0, f"{method} {self.server}{path}: {error}") from error
