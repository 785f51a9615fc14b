"""Interface to the real services of simulated resources: clusters, databases, object storage.

The variable LAB_CLOUD_BACKING (`module:factory`) selects a backing; without it, addresses are invented. A backing is
told what the simulated cloud creates and deletes, and returns the address of the real service. A plugin process creates
it once. Calls come from several threads at once, and again after a crash: every call must be repeatable.
"""

from __future__ import annotations

import base64
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
"""A kubeconfig whose current cluster is used for every simulated cluster."""

CloudName = Literal["gcp", "azure"]


@dataclass(frozen=True, kw_only=True)
class ClusterRequest:
    """A cluster that was created or changed."""

    cloud: CloudName
    id: str
    """Id of the resource: `projects/…/clusters/NAME`, or an Azure resource id."""
    name: str
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The resource's inputs."""


@dataclass(frozen=True, kw_only=True)
class ClusterAccess:
    """Address of a cluster's API."""

    host: str
    """Host, and port unless it is 443; used as GKE's `endpoint`."""
    authority: str
    """PEM certificates of the CA that signs the API's certificate."""
    named: bool = False
    """Whether clients with only the CAs of their machine can connect to `host`, so that it can be
    used as GKE's DNS endpoint. Otherwise such a name is invented."""


@dataclass(frozen=True, kw_only=True)
class ServerRequest:
    """A PostgreSQL server that was created or changed."""

    cloud: CloudName
    id: str
    name: str
    version: str
    """Major version, for example 16."""
    administrator: str = ""
    """The first user; "" if there is none yet (Cloud SQL)."""
    password: str = ""
    flags: Mapping[str, str] = field(default_factory=dict[str, str])
    """Settings of PostgreSQL by name."""
    common_name: str = ""
    """Common name of its certificate: PROJECT:NAME on Google Cloud."""
    connectors_required: bool = False
    """Whether clients without a connector of Cloud SQL are refused."""


@dataclass(frozen=True, kw_only=True)
class ServerAccess:
    """Address of a PostgreSQL server, always with TLS."""

    host: str
    port: int
    authority: str
    """PEM certificates of the CA that signs the server's certificate."""
    address: str = ""
    """The IP address; "" if `host` is an IP address."""


@dataclass(frozen=True, kw_only=True)
class UserRequest:
    """A user of a server, created by the cloud's API."""

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
    """The interface that the simulated clouds use."""

    def cluster(self, request: ClusterRequest) -> ClusterAccess:
        """Create the cluster, or return the existing one."""
        ...

    def server(self, request: ServerRequest) -> ServerAccess:
        """Create the server, or return the existing one."""
        ...

    def database(self, server: str, name: str) -> None:
        """Create the database unless it exists."""
        ...

    def user(self, request: UserRequest) -> None:
        """Create the user, or set its password; it may create databases and users."""
        ...

    def store(self, request: StoreRequest) -> None:
        """Create the bucket or container unless it exists."""
        ...

    def stored(self, request: StoreRequest) -> int:
        """The number of its objects."""
        ...

    def share(self, cloud: CloudName, resource_id: str) -> str:
        """The address of the file server of a Filestore instance; "" invents one."""
        ...

    def gone(self, cloud: CloudName, kind: str, resource_id: str) -> None:
        """Handle a deletion in the cloud; `kind` is the type token. An unknown resource is not an error."""
        ...


class SimulatedBacking:
    """A backing with invented addresses, and with the cluster of a kubeconfig if there is one."""

    def cluster(self, request: ClusterRequest) -> ClusterAccess:
        """The kubeconfig's cluster, or else an invented one."""
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
        """An invented address."""
        return ServerAccess(host=invented_address(request.id, "10.250"), port=5432, authority=invented_authority())

    def database(self, server: str, name: str) -> None:
        """Do nothing."""

    def user(self, request: UserRequest) -> None:
        """Do nothing."""

    def store(self, request: StoreRequest) -> None:
        """Do nothing."""

    def stored(self, request: StoreRequest) -> int:
        """Always 0, because nothing is written."""
        return 0

    def share(self, cloud: CloudName, resource_id: str) -> str:
        """An invented address."""
        return ""

    def gone(self, cloud: CloudName, kind: str, resource_id: str) -> None:
        """Do nothing."""


def chosen() -> Backing:
    """The backing that the environment selects."""
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
    """The PEM certificate of a CA that signs nothing; it stays the same while the inventory exists."""
    # Imported here: most calls need no certificate, and this import would take most of a plugin's start.
    from lab.certificates import unused_authority

    path = Inventory.default().folder / "authority.pem"
    with locked(path.with_suffix(".lock")):
        if not path.exists():
            partial = path.with_suffix(".partial")
            partial.write_text(unused_authority("Simulated Authority"))
            partial.rename(path)
    return path.read_text()
