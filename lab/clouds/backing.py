"""What stands behind simulated resources that something real has to answer for: clusters, databases, object storage.

A backing is chosen by the variable LAB_CLOUD_BACKING (`module:factory`); without it, addresses are invented. It gets
told what the simulated cloud makes and deletes, and says where the real thing answers. A plugin process makes it once;
calls come from several threads at once, and again for the same thing after a crash: every call has to be repeatable.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import yaml

from lab.clouds.inventory import Inventory
from lab.lock import locked

BACKING_VARIABLE: Final = "LAB_CLOUD_BACKING"
KUBECONFIG_VARIABLE: Final = "LAB_CLOUD_KUBECONFIG"
"""A kubeconfig whose current cluster every simulated cluster hands out."""

CloudName = Literal["gcp", "azure"]


@dataclass(frozen=True, kw_only=True)
class ClusterRequest:
    """A cluster that came to be, or changed."""

    cloud: CloudName
    id: str
    """Of the resource: `projects/…/clusters/NAME`, or an Azure resource id."""
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Its inputs."""


@dataclass(frozen=True, kw_only=True)
class ClusterAccess:
    """Where a cluster's API answers."""

    host: str
    """Host, and port unless it is 443: what GKE's `endpoint` would be."""
    authority: str
    """PEM certificates of who signs the API's certificate."""
    named: bool = False
    """Whether clients that know only the host's name and their machine's authorities reach it under `host` as well: it
    is then what GKE's DNS endpoint would be. Otherwise such a name is invented."""


@dataclass(frozen=True, kw_only=True)
class ServerRequest:
    """A PostgreSQL server that came to be, or changed."""

    cloud: CloudName
    id: str
    name: str
    version: str
    """Major version, for example 16."""
    administrator: str = ""
    """The first user; "" when there is none yet (Cloud SQL)."""
    password: str = ""
    flags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings of PostgreSQL by name."""
    common_name: str = ""
    """Of its certificate: PROJECT:NAME on Google Cloud."""
    connectors_required: bool = False
    """Whether clients without a connector of Cloud SQL are refused."""


@dataclass(frozen=True, kw_only=True)
class ServerAccess:
    """Where a PostgreSQL server answers, always with TLS."""

    host: str
    port: int
    authority: str
    """PEM certificates of who signs the server's certificate."""
    address: str = ""
    """The IP address; "" when `host` is one."""


@dataclass(frozen=True, kw_only=True)
class UserRequest:
    """A user of a server, made by the cloud's API."""

    server: str
    """The server's id."""
    name: str
    password: str


@dataclass(frozen=True, kw_only=True)
class StoreRequest:
    """A bucket or a blob container."""

    cloud: CloudName
    id: str
    account: str
    """The storage account; "" on Google Cloud."""
    name: str


class Backing(Protocol):
    """What the simulated clouds ask of whatever stands behind them."""

    def cluster(self, request: ClusterRequest) -> ClusterAccess:
        """Make or find the cluster."""
        ...

    def server(self, request: ServerRequest) -> ServerAccess:
        """Make or find the server."""
        ...

    def database(self, server: str, name: str) -> None:
        """Make the database unless it is there."""
        ...

    def user(self, request: UserRequest) -> None:
        """Make the user, or give it this password; it may create databases and users."""
        ...

    def store(self, request: StoreRequest) -> None:
        """Make the bucket or container unless it is there."""
        ...

    def stored(self, request: StoreRequest) -> int:
        """How many objects it holds."""
        ...

    def share(self, cloud: CloudName, resource_id: str) -> str:
        """The address of the file server of a Filestore instance; "" invents one."""
        ...

    def gone(self, cloud: CloudName, kind: str, resource_id: str) -> None:
        """The cloud deleted something; `kind` is its type token. What is not known is no error."""
        ...


class SimulatedBacking:
    """Invented addresses, and the cluster of a kubeconfig if there is one."""

    def cluster(self, request: ClusterRequest) -> ClusterAccess:
        """The kubeconfig's cluster, else one that does not exist."""
        path = os.environ.get(KUBECONFIG_VARIABLE)
        if not path:
            return ClusterAccess(host=invented_address(request.id, "34.118"), authority=invented_authority())
        found = yaml.safe_load(Path(path).read_text())
        current = next(each for each in found["contexts"] if each["name"] == found["current-context"])["context"]
        cluster = next(each for each in found["clusters"] if each["name"] == current["cluster"])["cluster"]
        authority = cluster.get("certificate-authority-data")
        pem = base64.b64decode(authority).decode() if authority else Path(cluster["certificate-authority"]).read_text()
        return ClusterAccess(host=cluster["server"].removeprefix("https://").rstrip("/"), authority=pem, named=True)

    def server(self, request: ServerRequest) -> ServerAccess:
        """An address where nothing answers."""
        return ServerAccess(host=invented_address(request.id, "10.250"), port=5432, authority=invented_authority())

    def database(self, server: str, name: str) -> None:
        """Nothing to do."""

    def user(self, request: UserRequest) -> None:
        """Nothing to do."""

    def store(self, request: StoreRequest) -> None:
        """Nothing to do."""

    def stored(self, request: StoreRequest) -> int:
        """Nothing is ever written."""
        return 0

    def share(self, cloud: CloudName, resource_id: str) -> str:
        """Invented."""
        return ""

    def gone(self, cloud: CloudName, kind: str, resource_id: str) -> None:
        """Nothing to do."""


def chosen() -> Backing:
    """The backing that the environment asks for."""
    wanted = os.environ.get(BACKING_VARIABLE)
    if not wanted:
        return SimulatedBacking()
    module, _, factory = wanted.partition(":")
    backing: Backing = getattr(import_module(module), factory)()
    return backing


def invented_address(seed: str, network: str) -> str:
    """An IPv4 address, always the same for the same seed, below two given octets."""
    digest = hashlib.sha256(seed.encode()).digest()
    return f"{network}.{digest[0]}.{digest[1] % 250 + 2}"


def invented_authority() -> str:
    """The PEM certificate of an authority that signs nothing; the same one as long as the inventory lives."""
    path = Inventory.default().folder / "authority.pem"
    with locked(path.with_suffix(".lock")):
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_text(_authority())
            partial.rename(path)
    return path.read_text()


def _authority() -> str:
    # Here and not above: most calls of a plugin need no certificate, and this is most of its start.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Simulated Authority")])
    start = datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(start)
    builder = builder.not_valid_after(start + datetime.timedelta(days=3650))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
