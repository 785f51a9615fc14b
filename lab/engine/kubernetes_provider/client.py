"""The API server as the provider sees it: discovery, plain REST calls, watches."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn
from urllib.parse import urlencode

import urllib3
from kubernetes.client import ApiClient

Object = dict[str, Any]

CALL_SECONDS: Final = 60.0
"""What one call may take; the API server itself gives up after this long."""
CONNECT_SECONDS: Final = 10.0
WATCH_SECONDS: Final = 240
"""After this long the server ends a watch and we resume it."""

APPLY: Final = "application/apply-patch+yaml"
JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"


class ApiError(Exception):
    """An answer of the API server that is a refusal, with its own message and reason."""

    def __init__(self, code: int, status: Mapping[str, Any]) -> None:
        super().__init__(status.get("message") or f"the server answered {code}")
        self.code = code
        self.reason: str = status.get("reason") or ""
        self.details: Mapping[str, Any] = status.get("details") or {}

    @property
    def not_found(self) -> bool:
        """The object, its kind or its namespace is not there."""
        return self.code == 404

    @property
    def namespace_missing(self) -> bool:
        """What is not there is the namespace."""
        return self.not_found and self.details.get("kind") == "namespaces"

    @property
    def already_exists(self) -> bool:
        """An object of this name is there already."""
        return self.code == 409 and self.reason == "AlreadyExists"

    @property
    def conflict(self) -> bool:
        """Another field manager, or a newer version, is in the way."""
        return self.code == 409 and self.reason != "AlreadyExists"

    @property
    def forbidden(self) -> bool:
        """Our identity has no right to do it."""
        return self.code == 403


class UnknownKindError(Exception):
    """The API server has no such kind: most often a custom resource whose definition is not there (yet)."""


class UnreachableError(Exception):
    """No API server answered."""


@dataclass(frozen=True)
class Resource:
    """Where the objects of one kind live."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """As objects carry it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """The URL path of one object, or of all of them."""
        parts = ["apis", self.group, self.version] if self.group else ["api", self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        return "/" + "/".join([*parts, self.plural, *([name] if name else [])])


def core(plural: str, kind: str) -> Resource:
    """A namespaced kind of the core group, known without discovery."""
    return Resource("", "v1", plural, kind, namespaced=True)


class Cluster:
    """One API server, used by many threads at once."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._pool: urllib3.PoolManager = api.rest_client.pool_manager
        self.host: str = api.configuration.host
        self._kinds: dict[tuple[str, str], Resource] = {}
        self._discovery = threading.Lock()

    # -- calls --------------------------------------------------------------------------------------------------------

    def call(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        content: str = "application/json",
        accept: str = "application/json",
        **query: str,
    ) -> Any:
        """One call, answered as JSON.

        Raises:
            ApiError: the server refused.
            UnreachableError: no answer.
        """
        response = self._request(
            method, path, query, body, content, accept, urllib3.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS)
        )
        try:
            data = response.read()
        finally:
            response.release_conn()
        if response.status >= 400:
            _refused(response.status, data)
        return json.loads(data) if data else None

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """One live object."""
        return self.call("GET", resource.path(namespace, name))

    def list(self, resource: Resource, namespace: str) -> tuple[list[Object], str]:
        """All objects of a kind in a namespace, and the version from which to watch."""
        answer = self.call("GET", resource.path(namespace))
        items = [{"apiVersion": resource.api_version, "kind": resource.kind, **item} for item in answer["items"]]
        return items, answer["metadata"]["resourceVersion"]

    def watch(self, resource: Resource, namespace: str, version: str) -> Iterator[tuple[str, Object]]:
        """Events (ADDED, MODIFIED, DELETED, BOOKMARK) from a version on, until the server ends the watch.

        Raises:
            ApiError: code 410 when the version is too old to start from.
        """
        query = {
            "watch": "true",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=WATCH_SECONDS + 30)
        response = self._request("GET", resource.path(namespace), query, None, "", "application/json", timeout)
        try:
            if response.status >= 400:
                _refused(response.status, response.read())
            pending = b""
            for chunk in response.stream(65536):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        _refused(event["object"].get("code", 500), json.dumps(event["object"]).encode())
                    yield event["type"], event["object"]
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise UnreachableError(str(error)) from error
        finally:
            response.close()

    def _request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Any,
        content: str,
        accept: str,
        timeout: urllib3.Timeout,
    ) -> urllib3.BaseHTTPResponse:
        headers = {"Accept": accept, "User-Agent": "pulumi-kubernetes"}
        if body is not None:
            headers["Content-Type"] = content
        self._api.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        url = f"{self.host}{path}" + (f"?{urlencode(query)}" if query else "")
        encoded = None if body is None else json.dumps(body).encode()
        try:
            return self._pool.request(
                method, url, body=encoded, headers=headers, timeout=timeout, preload_content=False, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnreachableError(f'{method.title()} "{url}": {_cause(error)}') from error

    # -- discovery ----------------------------------------------------------------------------------------------------

    def resource(self, api_version: str, kind: str) -> Resource:
        """Where objects of this kind live; asks the server again when it is unknown, since a CRD may be new.

        Raises:
            UnknownKindError: the server has no such kind.
        """
        with self._discovery:
            for _ in range(2):
                found = self._kinds.get((api_version, kind))
                if found is not None:
                    return found
                self._kinds = self._discovered()
        raise UnknownKindError(f'no matches for kind "{kind}" in version "{api_version}"')

    def known(self, api_version: str, kind: str) -> bool:
        """Whether the server has the kind."""
        try:
            self.resource(api_version, kind)
        except UnknownKindError:
            return False
        return True

    def forget_kinds(self) -> None:
        """Ask the server anew at the next use: a CRD was created or deleted."""
        with self._discovery:
            self._kinds = {}

    def require_reachable(self) -> None:
        """Do the first discovery.

        Raises:
            UnreachableError: no answer.
            ApiError: our credentials are refused.
        """
        with self._discovery:
            self._kinds = self._discovered()

    def _discovered(self) -> dict[tuple[str, str], Resource]:
        kinds: dict[tuple[str, str], Resource] = {}
        aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        for root in ("/api", "/apis"):
            answer = self.call("GET", root, accept=aggregated)
            if answer.get("kind") != "APIGroupDiscoveryList":
                raise ApiError(406, {"message": "the server is older than Kubernetes 1.30"})
            for group in answer["items"]:
                name = group["metadata"].get("name", "")
                for version in group["versions"]:
                    for entry in version.get("resources", []):
                        response = entry.get("responseKind") or {}
                        if not response.get("kind"):
                            continue
                        found = Resource(
                            name,
                            version["version"],
                            entry["resource"],
                            response["kind"],
                            entry["scope"] == "Namespaced",
                        )
                        kinds.setdefault((found.api_version, found.kind), found)
        return kinds


def _refused(code: int, data: bytes) -> NoReturn:
    try:
        status = json.loads(data)
    except ValueError:
        status = {"message": data.decode(errors="replace").strip()[:500]}
    raise ApiError(code, status if isinstance(status, dict) else {})


def _cause(error: Exception) -> str:
    """The innermost reason, without the address of a connection object in it."""
    inner: BaseException = error
    while True:
        deeper = getattr(inner, "reason", None)
        if not isinstance(deeper, Exception):
            deeper = inner.__cause__
        if not isinstance(deeper, Exception) or isinstance(inner, urllib3.exceptions.NewConnectionError):
            break
        inner = deeper
    return str(inner).rpartition(">: ")[2] or str(inner)
