"""The check whether the identity provider of a stack describes itself, against a real HTTPS server."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from components.settings.sections.auth import OidcLogin, PasswordLogin
from lab.certificates import CertificateAuthority
from operations import issuer


class Provider(ThreadingHTTPServer):
    """A server whose answers a test decides."""

    status = 200
    body = b""


class Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        known = self.path == "/realm/.well-known/openid-configuration"
        self.send_response(self.server.status if known else 404)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_args: object, **_more: object) -> None:
        """Nothing."""


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[tuple[Provider, OidcLogin]]:
    authority = CertificateAuthority(tmp_path)
    certificate = authority.certificate.read_text()
    pair = authority.issue("provider", "localhost", hosts=["localhost"])
    server = Provider(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    login = OidcLogin(
        kind="oidc",
        issuer=f"https://localhost:{server.server_port}/realm",
        client_id="airflow",
        roles={"data": "Op"},
        ca_certificate=certificate,
    )
    yield server, login
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.parametrize(
    ("status", "body", "verdict", "text"),
    [
        (200, {"issuer": "{issuer}"}, "ok", "describes its provider"),
        # Auth0 names itself with a slash at the end.
        (200, {"issuer": "{issuer}/"}, "ok", "describes its provider"),
        (200, {"issuer": "https://elsewhere.example"}, "missing", "names itself https://elsewhere.example"),
        (200, {}, "missing", "is not the description of a provider"),
        (200, [], "missing", "is not the description of a provider"),
        (503, {}, "missing", "answers with status 503"),
    ],
)
def test_a_provider_is_checked_by_what_it_says_of_itself(
    provider: tuple[Provider, OidcLogin], status: int, body: Any, verdict: str, text: str
) -> None:
    server, login = provider
    server.status, server.body = status, json.dumps(body).replace("{issuer}", login.issuer).encode()
    [finding] = issuer.findings(login)
    assert finding.verdict == verdict
    assert text in finding.what


def test_a_provider_that_does_not_answer_is_told_and_stops_nobody(provider: tuple[Provider, OidcLogin]) -> None:
    """The cluster may reach a provider that this machine does not."""
    _, login = provider
    [untrusted] = issuer.findings(login.model_copy(update={"ca_certificate": None}))
    assert untrusted.verdict == "unknown"
    assert "certificate verify failed" in untrusted.what
    away = login.model_copy(update={"issuer": "https://nowhere.invalid"})
    [finding] = issuer.findings(away)
    assert finding.verdict == "unknown"
    assert "airflow:auth.issuer" in finding.remedy


def test_a_login_without_a_provider_asks_nobody() -> None:
    assert list(issuer.findings(PasswordLogin(kind="password"))) == []
