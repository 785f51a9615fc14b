"""Real services of simulated clouds on the lab's node: LAB_CLOUD_BACKING=lab.services.backing:NodeBacking."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Final

from lab.clouds.backing import (
    CloudName,
    ClusterAccess,
    ClusterRequest,
    ServerAccess,
    ServerRequest,
    StoreRequest,
    UserRequest,
)
from lab.services import cluster, database, entra, google
from lab.services.database import Server
from lab.services.standins import StandIns
from lab.services.stores import GOOGLE_DATA

_CLUSTERS: Final = (google.CLUSTER, entra.CLUSTER)
_SERVERS: Final = ("gcp:sql/databaseInstance:DatabaseInstance", "azure-native:dbforpostgresql:Server")
_OWN_SIZE: Final = frozenset({"shared_buffers", "effective_cache_size", "huge_pages"})
"""Flags that suit a machine of the cloud but not this one."""


class NodeBacking:
    """Real services on the lab's node, which must run. The services start with the first call."""

    @cached_property
    def _stand_ins(self) -> StandIns:
        made = StandIns.default()
        made.up()
        return made

    def cluster(self, request: ClusterRequest) -> ClusterAccess:
        """The node's cluster, with the drivers, labels and kinds that a new cluster of this cloud has."""
        made = self._stand_ins
        made.furnish(request.cloud)
        layout = made.node.instance.layout
        return ClusterAccess(
            host=layout.server.removeprefix("https://"), authority=layout.authority.certificate.read_text(), named=True
        )

    def server(self, request: ServerRequest) -> ServerAccess:
        """A server on the node, independent of the requested version."""
        made = self._stand_ins
        flags = {name: value for name, value in request.flags.items() if name not in _OWN_SIZE}
        name = _name(request.id)
        azure = request.cloud == "azure"
        host = f"{name}.postgres.database.azure.com" if azure else f"{_digits(request.id)}.sql.goog"
        endpoint = database.start(
            Server(
                name=name,
                administrator=request.administrator,
                password=request.password,
                cloud_role="azure_pg_admin" if azure else "cloudsqlsuperuser",
                hosts=[host],
                # Cloud SQL's servers have their own CAs, Flexible Servers have certificates of public CAs.
                public_authority=azure,
                common_name=request.common_name,
                connectors="" if azure else "required" if request.connectors_required else "served",
                flags=flags,
            ),
            made.node,
        )
        return ServerAccess(
            host=host if azure else endpoint.address,
            port=endpoint.port,
            authority=endpoint.authority,
            address=endpoint.address,
        )

    def database(self, server: str, name: str) -> None:
        """Create a database of the server, owned by the cloud's role."""
        database.create_database(_name(server), name, self._stand_ins.node)

    def user(self, request: UserRequest) -> None:
        """Create a user of the server with the cloud's role."""
        database.set_user(_name(request.server), request.name, request.password, self._stand_ins.node)

    def store(self, request: StoreRequest) -> None:
        """Nothing to do: a store is created at its first use, and each request is checked against the inventory."""

    def stored(self, request: StoreRequest) -> int:
        """Objects of a bucket; containers are deleted with their content, so they are never queried."""
        folder = self._stand_ins.folder / GOOGLE_DATA / request.name
        return sum(1 for path in folder.rglob("*") if path.is_file()) if request.cloud == "gcp" else 0

    def share(self, cloud: CloudName, resource_id: str) -> str:
        """No address: the node mounts shares without a file server."""
        return ""

    def gone(self, cloud: CloudName, kind: str, resource_id: str) -> None:
        """Delete the real service of a deleted resource."""
        if kind in _SERVERS:
            database.stop(_name(resource_id), self._stand_ins.node)
        elif kind in _CLUSTERS:
            cluster.strip(self._stand_ins.node.api)


def _name(resource_id: str) -> str:
    return resource_id.rstrip("/").rpartition("/")[2]


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
