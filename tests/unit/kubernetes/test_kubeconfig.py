"""Reading of kubeconfigs of any content, and the version request to the cluster."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import json
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from components.kubernetes import kubeconfig
from tests.unit.conftest import CONTEXT, kubeconfig_text


def written(folder: Path, server: str, **cluster: object) -> kubeconfig.Kubeconfig:
    file = folder / "config"
    file.write_text(kubeconfig_text(server, **cluster))
    return kubeconfig.read(str(file))


@contextmanager
def serving(body: bytes, *, status: int = 200, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """A server with one answer on this machine; yields its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/version" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def version(major: str, minor: str) -> bytes:
    return json.dumps({"major": major, "minor": minor, "gitVersion": f"v{major}.{minor}.0"}).encode()


@pytest.mark.parametrize(("minor", "expected"), [("34", (1, 34)), ("30+", (1, 30)), ("29", (1, 29))])
def test_a_cluster_says_its_version(minor: str, expected: tuple[int, int], tmp_path: Path) -> None:
    """Managed clusters write a plus sign behind it."""
    with serving(version("1", minor)) as server:
        assert written(tmp_path, server).served_version(CONTEXT) == expected
        assert written(tmp_path, f"{server}/").served_version(CONTEXT) == expected


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 200),
        (b"[1, 30]", 200),
        (b"7", 200),
        (b'{"major": "1"}', 200),
        (b'{"major": "1", "minor": ""}', 200),
        (b'{"major": null, "minor": null}', 200),
        (version("1", "29"), 401),
        (version("1", "29"), 500),
    ],
)
def test_an_answer_that_says_no_version_is_none(body: bytes, status: int, tmp_path: Path) -> None:
    with serving(body, status=status) as server:
        assert written(tmp_path, server).served_version(CONTEXT) is None


def test_a_server_that_does_not_speak_http_gives_no_version(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"220 mail.example.org ESMTP\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        port = listening.getsockname()[1]
        assert written(tmp_path, f"http://127.0.0.1:{port}").served_version(CONTEXT) is None
        thread.join()


def test_a_server_that_says_nothing_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "ANSWER_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert written(tmp_path, f"http://127.0.0.1:{port}").served_version(CONTEXT) is None


@pytest.mark.parametrize("server", ["https://127.0.0.1:1", "", "nonsense", "https://[", "https://127.0.0.1:port"])
def test_a_cluster_that_cannot_be_asked_gives_no_version(server: str, tmp_path: Path) -> None:
    assert written(tmp_path, server).served_version(CONTEXT) is None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of this machine that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    (folder / "ca.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "ca.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "ca.crt", folder / "ca.key"


def test_a_cluster_is_trusted_as_its_kubeconfig_says(certificate: tuple[Path, Path], tmp_path: Path) -> None:
    authority, key = certificate
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(authority, key)
    (tmp_path / "beside.crt").write_bytes(authority.read_bytes())
    data = b64encode(authority.read_bytes()).decode()
    with serving(version("1", "33"), tls=tls) as server:
        for cluster in (
            {"certificate-authority-data": data},
            {"certificate-authority": str(authority)},
            {"certificate-authority": "beside.crt"},  # relative to the kubeconfig
            {"insecure-skip-tls-verify": True},
        ):
            assert written(tmp_path, server, **cluster).served_version(CONTEXT) == (1, 33), cluster
        for cluster in (
            {},
            {"certificate-authority": "missing.crt"},
            {"certificate-authority-data": "!"},
            {"certificate-authority-data": b64encode(b"no certificate").decode()},
            {"insecure-skip-tls-verify": False},
        ):
            assert written(tmp_path, server, **cluster).served_version(CONTEXT) is None, cluster


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"\t{", "is not YAML"),
        (b"\xff\xfe\x00", "is not YAML"),
        (b"", "is not a kubeconfig"),
        (b"- a", "is not a kubeconfig"),
        (b"just text", "is not a kubeconfig"),
        (b"kind: Config", "has no clusters"),
    ],
)
def test_a_file_that_is_no_kubeconfig_says_so(content: bytes, rule: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rule) as refused:
        kubeconfig.read(str(file))
    assert str(file) in str(refused.value)
    assert "; point KUBECONFIG" in str(refused.value)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "none", "No such file")):
        with pytest.raises(ValueError, match=f"cannot be read .*{why}"):
            kubeconfig.read(str(path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "unset"))
    with pytest.raises(ValueError, match="unset: No such file"):
        kubeconfig.read(None)
    monkeypatch.setenv("KUBECONFIG", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match=f"{tmp_path}/.kube/config"):
        kubeconfig.read(None)
    with pytest.raises(ValueError, match="cannot be read"):
        kubeconfig.read("~nobody-of-that-name/config")


@pytest.mark.parametrize(
    "content",
    [
        {"clusters": None, "contexts": None},
        {"clusters": {}, "contexts": "a"},
        {"clusters": [{}], "contexts": [{}, None, "a"]},
        {"clusters": [{"name": "c"}], "contexts": [{"name": "a"}]},
        {"clusters": [{"name": "c", "cluster": None}], "contexts": [{"name": "a", "context": {"cluster": "c"}}]},
        {"clusters": [{"name": "c", "cluster": {}}], "contexts": [{"name": "a", "context": {"cluster": "other"}}]},
        {"clusters": [{"cluster": {"server": "https://127.0.0.1:1"}}], "contexts": [{"name": "a", "context": {}}]},
    ],
)
def test_a_kubeconfig_with_holes_names_no_server(content: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text(yaml.safe_dump(content))
    read = kubeconfig.read(str(file))
    assert set(read.contexts) <= {"a"}
    assert read.current_context is None
    assert read.cluster_server("a") == ""
    assert read.served_version("a") is None


def test_two_contexts_of_one_file_are_two_clusters(tmp_path: Path) -> None:
    file = tmp_path / "config"
    entries = {"a": "https://one", "b": "https://two"}
    file.write_text(
        yaml.safe_dump(
            {
                "clusters": [{"name": f"of-{name}", "cluster": {"server": url}} for name, url in entries.items()],
                "contexts": [{"name": name, "context": {"cluster": f"of-{name}"}} for name in entries],
                "current-context": "b",
            }
        )
    )
    read = kubeconfig.read(str(file))
    assert read.contexts == ["a", "b"]
    assert read.current_context == "b"
    assert {name: read.cluster_server(name) for name in entries} == entries
