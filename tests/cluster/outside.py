"""A user's browser outside the cluster, with fixed addresses of hosts and a CA bundle."""

from __future__ import annotations

import socket
import ssl
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPMessage
from http.cookies import SimpleCookie

SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """A response; redirects are not followed."""

    status: int
    headers: HTTPMessage
    text: str

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")


@dataclass
class Browser:
    """A client of hosts whose DNS names point to one address; it stores cookies."""

    address: str
    trusted: str
    """PEM certificates of the only trusted CAs."""
    cookies: SimpleCookie = field(default_factory=SimpleCookie)

    def ask(self, url: str, *, form: Mapping[str, str] | None = None, host: str | None = None) -> Answer:
        """Get a page, or send a form; `host` replaces the URL's host in the header."""
        parts = urllib.parse.urlsplit(url)
        assert parts.hostname is not None
        connection = HTTPConnection(parts.hostname, timeout=SECONDS)
        connection.sock = self._connect(parts.scheme, parts.hostname)
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self.cookies.items())
        headers = {"Host": host or parts.hostname, **({"Cookie": cookies} if cookies else {})}
        if form is not None:
            # As browsers do; the login compares it with its own address.
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Referer": url}
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        try:
            body = None if form is None else urllib.parse.urlencode(form)
            connection.request("GET" if form is None else "POST", path, body, headers)
            with connection.getresponse() as response:
                for line in response.headers.get_all("Set-Cookie", []):
                    self.cookies.load(line)
                return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def _connect(self, scheme: str, host: str) -> socket.socket:
        plain = socket.create_connection((self.address, 443 if scheme == "https" else 80), timeout=SECONDS)
        if scheme != "https":
            return plain
        context = ssl.create_default_context(cadata=self.trusted)
        return context.wrap_socket(plain, server_hostname=host)
