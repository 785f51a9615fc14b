"""A load balancer in front of an api-server: HTTPS for people, HTTP behind it, and the headers of a proxy."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

from lab.certificates import Pair

OF_ONE_CONNECTION = frozenset({"connection", "transfer-encoding", "keep-alive", "content-length"})


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on, with the scheme of the outside in X-Forwarded-Proto."""

    target: ClassVar[str] = ""

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The same for each method of HTTP."""
        if name.startswith("do_"):
            return self.forward
        raise AttributeError(name)

    def log_message(self, *_args: object, **_more: object) -> None:
        """Nothing: what matters is in the log of the api-server."""

    def forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in OF_ONE_CONNECTION}
        headers |= {"X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.1", "Content-Length": str(len(body))}
        connection = http.client.HTTPConnection(self.target, timeout=120)
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        connection.close()


@contextmanager
def https_proxy(port: int, pair: Pair, url: str) -> Iterator[None]:
    """A proxy at https://localhost:PORT to a server at a URL."""
    handler = type("To", (Proxy,), {"target": urlsplit(url).netloc})
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
