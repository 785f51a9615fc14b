"""The server side of a Cloud SQL instance's connectors, run as `python -m`: port 3307 in front of its PostgreSQL.

A client presents a certificate that the SQL Admin API signed for it, over TLS 1.3 (cloud.google.com/go/cloudsqlconn
v1.27.0: serverProxyPort in dialer.go, TLSConfig in internal/cloudsql/instance.go). Its traffic is then forwarded to
PostgreSQL unchanged.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ssl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lab.progress import say
from lab.services.sql_admin import client_authority

PORT: Final = 3307
_CHUNK: Final = 64 * 1024


def context(folder: Path) -> ssl.SSLContext:
    """TLS context of the server in a folder, which requires client certificates signed by the instance's CA."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # TLSConfig: MinVersion.
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_cert_chain(folder / "server.crt", folder / "server.key")
    made.load_verify_locations(client_authority(folder).certificate)
    made.verify_mode = ssl.CERT_REQUIRED
    return made


async def serve(address: str, port: int, folder: Path) -> None:
    """Serve connectors at an address, in front of the PostgreSQL at the same address, until cancelled."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = writer.get_extra_info("peername")[0]
        try:
            # With the server's own address as source, by which PostgreSQL distinguishes connectors from direct clients.
            inward, outward = await asyncio.open_connection(address, port, local_addr=(address, 0))
        except OSError as error:
            say(f"{client}: PostgreSQL does not answer: {error}")
            writer.close()
            return
        say(f"{client}: connected")
        # When one side closes, close both, like the proxy (cloud-sql-proxy v2.28.0, internal/proxy, proxyConn).
        ways = {asyncio.create_task(_copy(reader, outward)), asyncio.create_task(_copy(inward, writer))}
        _, others = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for other in others:
            other.cancel()
        for end in (outward, writer):
            end.close()

    server = await asyncio.start_server(connected, address, PORT, ssl=context(folder), backlog=256)
    say(f"answering connectors at {address}:{PORT}")
    async with server:
        await server.serve_forever()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Ignore clients that disconnect.
    with contextlib.suppress(OSError, ssl.SSLError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the daemon with the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--address", required=True)
    parser.add_argument("--port", type=int, required=True, help="PostgreSQL's, at the same address")
    parser.add_argument("--folder", type=Path, required=True, help="the server's")
    given = parser.parse_args(arguments)
    asyncio.run(serve(given.address, given.port, given.folder))


if __name__ == "__main__":
    main()
