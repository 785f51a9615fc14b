"""Settings of an existing cluster."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from components.settings.connection_budget import IN_CLUSTER_CONNECTIONS
from components.settings.types import Database, ImageReference, Model, SizeGib


class InClusterDatabase(Database):
    """A PostgreSQL server in the cluster. One pod, one volume, no backups."""

    SIZED_BY = "kind"
    MORE_CONNECTIONS = 'kind "external" with a larger server'

    kind: Literal["in_cluster"]
    image: ImageReference = "postgres:17-trixie"
    """The PostgreSQL image. A new major version cannot read the data of an older one: dump and restore it."""
    size_gib: SizeGib = 5
    """Size of the data volume, in GiB."""

    @property
    def max_connections(self) -> int:
        """Maximum number of connections for Airflow, the server's own subtracted."""
        return IN_CLUSTER_CONNECTIONS


class ExternalDatabase(Database):
    """An existing PostgreSQL server. Both databases and their users must exist on it.

    The connection URLs are secrets: `pulumi config set --secret metadata_database_url postgresql://…`, and
    `result_database_url` likewise with a Celery executor.
    """

    kind: Literal["external"]


class ExistingCluster(Model):
    """An existing cluster: the lab's node, Minikube, kind, or any other context of a kubeconfig."""

    kind: Literal["existing"]
    context: str | None = None
    """The kubeconfig context to deploy to; default: the current one."""
    kubeconfig: str | None = None
    """The kubeconfig file; default: the first of `KUBECONFIG`, else `~/.kube/config`."""
    storage_class: str | None = None
    """The storage class of all volumes; default: the cluster's default class."""
    database: Annotated[InClusterDatabase | ExternalDatabase, Field(discriminator="kind")] = InClusterDatabase(
        kind="in_cluster"
    )
    """The database server of Airflow's metadata and Celery's results."""
