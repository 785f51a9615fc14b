"""The stores of simulated buckets and blob containers: fake-gcs-server and Azurite.

They listen only on the node's loopback address, which pods cannot reach. A bucket or container of the inventory is
created in the store at the first request for it.
"""

from __future__ import annotations

import base64
import http.client
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Final

from lab.certificates import Pair, public_authority
from lab.clouds.inventory import Item
from lab.daemon import Daemon
from lab.errors import LabError
from lab.services.http import Request, Response
from lab.services.tokens import Tokens

LOOPBACK: Final = "127.0.0.1"
START_SECONDS: Final = 60.0
GOOGLE: Final = "storage.googleapis.com"
BLOB_SUFFIX: Final = ".blob.core.windows.net"
BLOB_AUDIENCE: Final = "https://storage.azure.com"
ISSUER: Final = "https://sts.windows.net/"
BLOB_VERSION: Final = "2021-12-02"
GOOGLE_DATA: Final = "fake-gcs-server"
"""The folder of buckets, one folder each."""
_GOOGLE_PORT: Final = 4443
_FIRST_BLOB_PORT: Final = 10000
_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"})
_REQUEST_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Programs:
    """The programs of the stores."""

    fake_gcs: Path
    node: Path
    azurite: Path
    """The script that serves blobs."""


@dataclass
class Stores:
    """The stores of one node, each started at its first use."""

    folder: Path
    """Folder of their data, logs and pids."""
    programs: Programs
    tokens: Tokens
    _made: dict[str, float] = field(default_factory=dict[str, float])
    _lock: Lock = field(default_factory=Lock)

    def google(self, bucket: Item | None, request: Request) -> Response:
        """Forward a request about `bucket` to the store of buckets."""
        with self._lock:
            self._start(GOOGLE_DATA, _GOOGLE_PORT, self._google_command())
        if bucket is not None:
            self._once(bucket, lambda: self._make_bucket(str(bucket.outputs.get("name", bucket.id))))
        return _forward(request, _GOOGLE_PORT, request.headers, tls=None)

    def azure(self, account: str, container: Item | None, request: Request) -> Response:
        """Forward a request about `container` to the store of a storage account."""
        with self._lock:
            port = self._blob_port(account)
            # Only between this server and the store: with this key every client of the store could read it.
            key = base64.b64encode(secrets.token_bytes(32)).decode()
            variables = {"AZURITE_ACCOUNTS": f"{account}:{key}", "NODE_NO_WARNINGS": "1"}
            self._start(f"azurite-{account}", port, self._azurite_command(account, port), variables)
        if container is not None:
            name = str(container.inputs["containerName"])
            self._once(container, lambda: self._make_container(account, port, name))
        headers = {**request.headers, "host": f"{account}{BLOB_SUFFIX}"}
        return _forward(request, port, headers, tls=_trusting())

    def _once(self, item: Item, make: Callable[[], None]) -> None:
        with self._lock:
            if self._made.get(item.key) != item.created:
                make()
                self._made[item.key] = item.created

    def _make_bucket(self, name: str) -> None:
        body = f'{{"name": "{name}"}}'.encode()
        request = Request(
            method="POST", host=GOOGLE, target="/storage/v1/b", headers={"content-type": "application/json"}, body=body
        )
        _must(_forward(request, _GOOGLE_PORT, request.headers, tls=None))

    def _make_container(self, account: str, port: int, name: str) -> None:
        headers = {
            "authorization": f"Bearer {self.own_token()}",
            "x-ms-version": BLOB_VERSION,
            "host": f"{account}{BLOB_SUFFIX}",
        }
        request = Request(method="PUT", host="", target=f"/{name}?restype=container", headers=headers)
        _must(_forward(request, port, headers, tls=_trusting()))

    def own_token(self) -> str:
        """A token that the blob store accepts; the client's own token was checked before."""
        return self.tokens.issue(BLOB_AUDIENCE, seconds=600, iss=ISSUER, oid="lab")

    def _google_command(self) -> list[str | Path]:
        return [
            *(self.programs.fake_gcs, "-scheme", "http", "-host", LOOPBACK, "-port", str(_GOOGLE_PORT)),
            *("-backend", "filesystem", "-filesystem-root", self.folder / GOOGLE_DATA),
            *("-public-host", GOOGLE, "-external-url", f"https://{GOOGLE}", "-log-level", "warn"),
        ]

    def _azurite_command(self, account: str, port: int) -> list[str | Path]:
        pair = _loopback_pair()
        return [
            *(self.programs.node, self.programs.azurite, "--blobHost", LOOPBACK, "--blobPort", str(port)),
            *("--location", self.folder / f"azurite-{account}", "--oauth", "basic", "--cert", pair.certificate),
            *("--key", pair.key, "--skipApiVersionCheck", "--silent", "--disableTelemetry"),
        ]

    def _blob_port(self, account: str) -> int:
        """The account's port, which stays the same after a restart."""
        path = self.folder / f"azurite-{account}.port"
        if not path.exists():
            taken = {int(other.read_text()) for other in self.folder.glob("azurite-*.port")}
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(next(port for port in range(_FIRST_BLOB_PORT, 11000) if port not in taken)))
        return int(path.read_text())

    def _start(
        self, name: str, port: int, command: list[str | Path], variables: Mapping[str, str] | None = None
    ) -> None:
        daemon = Daemon(name=name, folder=self.folder)
        if daemon.process() is not None:
            return
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        daemon.start(command, env=variables)
        deadline = time.monotonic() + START_SECONDS
        while not _listens(port):
            daemon.require_alive()
            if time.monotonic() > deadline:
                raise LabError(f"{name} did not listen within {START_SECONDS:.0f} s.", remedy=f"See {daemon.log}.")
            time.sleep(0.1)


def _loopback_pair() -> Pair:
    return public_authority().issue("blob-loopback", LOOPBACK, hosts=[LOOPBACK])


def _trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(public_authority().certificate))


def _listens(port: int) -> bool:
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    try:
        connection.connect()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def _forward(request: Request, port: int, headers: Mapping[str, str], tls: ssl.SSLContext | None) -> Response:
    """A store's answer to a request."""
    if tls is None:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=_REQUEST_SECONDS)
    else:
        connection = http.client.HTTPSConnection(LOOPBACK, port, timeout=_REQUEST_SECONDS, context=tls)
    try:
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            if name not in _HOP:
                connection.putheader(name, value)
        if "host" not in headers:
            connection.putheader("host", request.host)
        connection.putheader("content-length", str(len(request.body)))
        connection.endheaders(request.body)
        got = connection.getresponse()
        body = got.read()
    finally:
        connection.close()
    said = got.getheader("Content-Length")
    return Response(
        status=got.status,
        body=body,
        headers={name: value for name, value in got.getheaders() if name.lower() not in _HOP},
        content_length=int(said) if request.method == "HEAD" and said else None,
    )


def _must(response: Response) -> None:
    """Accept an answer to a creation: created now, or already existing.

    Raises:
        LabError: the store refused.
    """
    if response.status >= 300 and response.status != 409:
        raise LabError(f"The store refused: {response.status} {response.body[:200].decode(errors='replace')}")
