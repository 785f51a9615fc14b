"""A small HTTP server, which handles each connection in its own thread."""

from __future__ import annotations

import json
import ssl
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from lab.certificates import Pair
from lab.progress import say


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request of a client."""

    method: str
    host: str
    """Lower case, without port."""
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes = b""
    client: str = ""
    """The client's IP address."""

    @property
    def path(self) -> str:
        """The path as sent."""
        return urlsplit(self.target).path

    @property
    def steps(self) -> list[str]:
        """The segments of the path, decoded."""
        return [unquote(step) for step in self.path.strip("/").split("/")]

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters."""
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        """The body, parsed as a web form."""
        return {key: values[-1] for key, values in parse_qs(self.body.decode()).items()}

    @property
    def bearer(self) -> str:
        """The client's bearer token; "" if there is none."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" else ""


@dataclass(frozen=True, kw_only=True)
class Response:
    """A response to the client."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    content_length: int | None = None
    """Replaces the length of the body in the header, as in an answer to HEAD."""


Handler = Callable[[Request], Response]


def answer(value: Any, status: int = 200, **headers: str) -> Response:
    """A JSON response; underscores in header names become dashes."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Response(
        status=status, body=json.dumps(value).encode(), headers={"Content-Type": "application/json", **named}
    )


def text(content: str, status: int = 200, **headers: str) -> Response:
    """A plain text response; underscores in header names become dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status=status, body=content.encode(), headers={"Content-Type": "text/plain", **named})


def serve(handler: Handler, address: str, port: int, pair: Pair | None = None) -> ThreadingHTTPServer:
    """Serve in the background, with TLS if there is a certificate."""
    server = _Server((address, port), _handling(handler))
    if pair is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(pair.certificate, pair.key)
        # The handshake runs in the connection's own thread, not in the accepting thread.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True, name=f"{address}:{port}").start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect; log any other error in one line."""
        say(f"{client_address[0]}: {traceback.format_exc().strip().splitlines()[-1]}")


def _handling(handler: Handler) -> type[BaseHTTPRequestHandler]:
    class Handling(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Idle connections are closed; clients open new ones.
        timeout = 300
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            request = Request(
                method=self.command,
                host=self.headers.get("Host", "").rpartition("]")[2].partition(":")[0].lower(),
                target=self.path,
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self._body(),
                client=self.client_address[0],
            )
            try:
                response = handler(request)
            except Exception:  # noqa: BLE001 - whatever it is, the client is told and the log says it
                traceback.print_exc()
                response = text("The lab's service failed; its log says why.\n", 500)
            say(f"{request.client} {request.method} {request.host}{request.path} {response.status}")
            self._send(response)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any  # noqa: N815

        def log_message(self, *_arguments: Any) -> None:
            """Log nothing here: each request is logged once, with its status."""

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                return b"".join(self._chunks())
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))

        def _chunks(self) -> list[bytes]:
            found = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                found.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                continue
            return found

        def _send(self, response: Response) -> None:
            self.send_response_only(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if response.status not in (204, 304):
                length = len(response.body) if response.content_length is None else response.content_length
                self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(response.body)

    return Handling
