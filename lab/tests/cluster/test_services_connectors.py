"""Only connectors with a certificate reach a simulated Cloud SQL instance that requires them."""

from __future__ import annotations

import socket
import ssl
import struct
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.certificates import CertificateAuthority
from lab.node.node import Node
from lab.services import database, sql_connector
from lab.testing.sql_instances import requiring_connectors
from lab.tests.cluster.test_services_database import ask

pytestmark = pytest.mark.lab_node("simulated clouds stand beside the lab's node")

PROJECT = "sql-project"
NAME = "test-connectors"
INSTANCE = requiring_connectors(PROJECT, NAME)
SSL_REQUEST = struct.pack("!ii", 8, 80877103)
"""What PostgreSQL answers at once, https://www.postgresql.org/docs/current/protocol-message-formats.html."""


@pytest.fixture(scope="module")
def endpoint(node: Node) -> Iterator[database.Endpoint]:
    database.stop(NAME, node)
    yield database.start(INSTANCE, node)
    database.stop(NAME, node)


def test_a_server_that_requires_connectors_refuses_everybody_else(node: Node, endpoint: database.Endpoint) -> None:
    direct = {"sslmode": "require", "host": INSTANCE.hosts[0]}
    assert "pg_hba.conf rejects connection" in ask(INSTANCE, endpoint, "SELECT 1", **direct)
    database.start(replace(INSTANCE, connectors="served"), node)
    assert ask(INSTANCE, endpoint, "SELECT 1", **direct) == "1"
    assert "no pg_hba.conf entry" in ask(INSTANCE, endpoint, "SELECT 1", **{**direct, "sslmode": "disable"})
    database.start(INSTANCE, node)


@pytest.mark.parametrize(("signed_by", "answered"), [("clients", True), ("authority", False), (None, False)])
def test_connectors_show_a_certificate_that_the_instances_authority_for_clients_has_signed(
    node: Node, endpoint: database.Endpoint, tmp_path: Path, signed_by: str | None, answered: bool
) -> None:
    context = ssl.create_default_context(cadata=endpoint.authority)
    if signed_by is not None:
        # A copy: the instance's own folder keeps what it has.
        for name in ("ca.crt", "ca.key"):
            (tmp_path / name).write_bytes((database.folder(node) / NAME / signed_by / name).read_bytes())
        pair = CertificateAuthority(tmp_path).issue("client", "Google Cloud SQL Client")
        context.load_cert_chain(pair.certificate, pair.key)
    with (
        socket.create_connection((endpoint.address, sql_connector.PORT), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=INSTANCE.hosts[0]) as secure,
    ):
        # In TLS 1.3 a client learns only with the first answer that its certificate was refused.
        try:
            secure.sendall(SSL_REQUEST)
            answer = secure.recv(1)
        except (ssl.SSLError, ConnectionError):
            answer = b""
    assert (answer != b"") == answered


def test_stop_ends_what_answers_connectors(node: Node, endpoint: database.Endpoint) -> None:
    other = replace(INSTANCE, name="test-connectors-short", hosts=["test-connectors-short.sql.goog"])
    where = database.start(other, node)
    socket.create_connection((where.address, sql_connector.PORT), timeout=5).close()
    process = node.daemon("connector-test-connectors-short").process()
    assert process is not None
    database.stop(other.name, node)
    assert not process.is_running()
