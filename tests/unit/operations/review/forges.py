"""Forges on this machine that answer as documented: pages, rights, and limits of length."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

TOKEN: Final = "token-of-the-job"
PAGE: Final = 2
"""Items of a page, whatever is asked for: 100 would need as many comments."""


@dataclass
class Answer:
    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class FakeForge:
    """State of a forge, and the calls that it got."""

    answer: Callable[[FakeForge, str, str, Mapping[str, str], Any], Answer]
    """Of forge, method, path, query and body."""
    authorized: Callable[[Mapping[str, str]], bool]
    comments: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    issues: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    labels: list[str] = field(default_factory=list[str])
    pulls: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    read_only: bool = False
    length_max: int = 65_536
    url: str = ""
    calls: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def writes(self) -> list[tuple[str, str]]:
        """The calls that change something."""
        return [call for call in self.calls if call[0] != "GET"]

    def page(self, items: list[Any], path: str, query: Mapping[str, str]) -> Answer:
        """One page of a list, and the Link header that names the next one (RFC 8288)."""
        number = int(query.get("page", "1"))
        rest = items[number * PAGE :]
        kept = "&".join(f"{key}={value}" for key, value in query.items() if key != "page")
        link = {"Link": f'<{self.url}{path}?{kept}&page={number + 1}>; rel="next"'} if rest else {}
        return Answer(items[(number - 1) * PAGE : number * PAGE], headers=link)

    def write(
        self, items: list[dict[str, Any]], entry: dict[str, Any], changes: Mapping[str, Any], text: str
    ) -> Answer:
        """The answer to a call that creates (an entry of no list) or changes an entry."""
        if len(str(changes.get(text, ""))) > self.length_max:
            told = f"body is too long (maximum is {self.length_max} characters)"
            return Answer({"message": "Validation Failed", "errors": [{"field": "body", "message": told}]}, 422)
        new = entry not in items
        entry.update(changes)
        if new:
            items.append(entry)
        return Answer(entry, 201 if new else 200)


@contextmanager
def serving(forge: FakeForge) -> Iterator[FakeForge]:
    """The forge on a port of this machine, while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def _handle(self) -> None:
            split = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(split.query).items()}
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            forge.calls.append((str(self.command), split.path))
            if not forge.authorized(dict(self.headers.items())):
                found = Answer({"message": "Bad credentials"}, 401)
            elif forge.read_only and self.command != "GET":
                # https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api
                found = Answer({"message": "Resource not accessible by integration"}, 403)
            else:
                found = forge.answer(forge, str(self.command), split.path, query, body)
            content = found.body.encode() if isinstance(found.body, str) else json.dumps(found.body).encode()
            self.send_response(found.status)
            for name, value in {**found.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = _handle  # noqa: N815 - names of the base class

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forge.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# GitHub: https://docs.github.com/en/rest/issues/comments, /rest/issues/issues, /rest/issues/labels, /rest/pulls/pulls

OWNER: Final = "github-actions[bot]"


def github() -> FakeForge:
    return FakeForge(_github, lambda headers: headers.get("Authorization") == f"Bearer {TOKEN}")


def github_environment(forge: FakeForge, **more: str) -> dict[str, str]:
    return {
        "GITHUB_TOKEN": TOKEN,
        "GITHUB_REPOSITORY": "owner/repository",
        "GITHUB_API_URL": forge.url,
        "GITHUB_REF": "refs/pull/7/merge",
        **more,
    }


def _github(forge: FakeForge, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
    steps = path.removeprefix("/repos/owner/repository/").split("/")
    match method, steps:
        case "GET", ["issues", "7", "comments"]:
            return forge.page(forge.comments, path, query)
        case "POST", ["issues", "7", "comments"]:
            number = len(forge.comments) + 1
            entry = {"id": number, "user": {"login": OWNER}, "html_url": f"https://github.test/7#{number}"}
            return forge.write(forge.comments, entry, body, "body")
        case "PATCH", ["issues", "comments", number]:
            [entry] = [each for each in forge.comments if str(each["id"]) == number]
            return forge.write(forge.comments, entry, body, "body")
        case "GET", ["issues", "7", "labels"]:
            return forge.page([{"name": name} for name in forge.labels], path, query)
        case "GET", ["issues"]:
            wanted = [
                each
                for each in forge.issues
                if each["state"] == query.get("state") and each["user"]["login"] == query.get("creator")
            ]
            return forge.page(wanted, path, query)
        case "POST", ["issues"]:
            number = 100 + len(forge.issues)
            entry = {"number": number, "user": {"login": OWNER}, "state": "open"}
            return forge.write(forge.issues, {**entry, "html_url": f"https://github.test/{number}"}, body, "body")
        case "PATCH", ["issues", number]:
            [entry] = [each for each in forge.issues if str(each["number"]) == number]
            return forge.write(forge.issues, entry, body, "body")
        case "GET", ["pulls"]:
            wanted = [each for each in forge.pulls if each["head"]["label"] == query.get("head")]
            return forge.page(wanted, path, query)
        case _:
            return Answer({"message": "Not Found"}, 404)


# GitLab: https://docs.gitlab.com/api/notes/, /api/issues/, /api/merge_requests/, /api/users/

USER: Final = 42


def gitlab() -> FakeForge:
    return FakeForge(_gitlab, lambda headers: headers.get("PRIVATE-TOKEN") == TOKEN, length_max=1_000_000)


def gitlab_environment(forge: FakeForge, **more: str) -> dict[str, str]:
    return {
        "GITLAB_TOKEN": TOKEN,
        "CI_API_V4_URL": f"{forge.url}/api/v4",
        "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7",
        **more,
    }


def _gitlab(forge: FakeForge, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
    steps = path.removeprefix("/api/v4/").split("/")
    match method, steps:
        case "GET", ["user"]:
            return Answer({"id": USER})
        case "GET", ["projects", "3", "merge_requests", "7"]:
            return Answer({"labels": forge.labels, "web_url": "https://gitlab.test/7"})
        case "GET", ["projects", "3", "merge_requests", "7", "notes"]:
            return forge.page(forge.comments, path, query)
        case "POST", ["projects", "3", "merge_requests", "7", "notes"]:
            entry = {"id": len(forge.comments) + 1, "author": {"id": USER}}
            return forge.write(forge.comments, entry, body, "body")
        case "PUT", ["projects", "3", "merge_requests", "7", "notes", number]:
            [entry] = [each for each in forge.comments if str(each["id"]) == number]
            return forge.write(forge.comments, entry, body, "body")
        case "GET", ["projects", "3", "issues"]:
            wanted = [
                each
                for each in forge.issues
                if each["state"] == query.get("state") and str(each["author"]["id"]) == query.get("author_id")
            ]
            return forge.page(wanted, path, query)
        case "POST", ["projects", "3", "issues"]:
            number = 100 + len(forge.issues)
            entry = {"iid": number, "author": {"id": USER}, "state": "opened"}
            return forge.write(forge.issues, {**entry, "web_url": f"https://gitlab.test/{number}"}, body, "description")
        case "PUT", ["projects", "3", "issues", number]:
            [entry] = [each for each in forge.issues if str(each["iid"]) == number]
            if body.pop("state_event", "") == "close":
                body["state"] = "closed"
            return forge.write(forge.issues, entry, body, "description")
        case _:
            return Answer({"message": "404 Not found"}, 404)


# Azure DevOps: https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-threads, …-thread-comments,
# …/pull-request-labels


def azure() -> FakeForge:
    return FakeForge(_azure, lambda headers: headers.get("Authorization") == f"Bearer {TOKEN}", length_max=150_000)


def azure_environment(forge: FakeForge, **more: str) -> dict[str, str]:
    return {
        "SYSTEM_ACCESSTOKEN": TOKEN,
        "SYSTEM_COLLECTIONURI": f"{forge.url}/organization/",
        "SYSTEM_TEAMPROJECTID": "project",
        "BUILD_REPOSITORY_ID": "repository",
        "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
        **more,
    }


def _azure(forge: FakeForge, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
    prefix = "/organization/project/_apis/git/repositories/repository/pullRequests/7/"
    if query.get("api-version") != "7.1":
        return Answer({"message": "No api-version was supplied."}, 400)
    match method, path.removeprefix(prefix).split("/"):
        case "GET", ["labels"]:
            return Answer(
                {"count": len(forge.labels), "value": [{"name": name, "active": True} for name in forge.labels]}
            )
        case "GET", ["threads"]:
            threads = [{"id": each["id"], "comments": [{**each, "id": 1}]} for each in forge.comments]
            return Answer({"count": len(threads), "value": [{"id": 99, "comments": []}, *threads]})
        case "POST", ["threads"]:
            entry = {"id": len(forge.comments) + 1}
            found = _azure_write(forge, entry, body["comments"][0])
            return found if found.status >= 400 else Answer({"id": entry["id"], "status": body["status"]})
        case "PATCH", ["threads", number, "comments", "1"]:
            [entry] = [each for each in forge.comments if str(each["id"]) == number]
            return _azure_write(forge, entry, body)
        case _:
            return Answer("<html>Sign In</html>", 203)


def _azure_write(forge: FakeForge, entry: dict[str, Any], changes: Mapping[str, Any]) -> Answer:
    found = forge.write(forge.comments, entry, changes, "content")
    if found.status == 422:
        return Answer({"message": f"A discussion comment cannot be longer than {forge.length_max} characters."}, 400)
    return Answer(found.body)
