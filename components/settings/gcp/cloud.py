"""Settings of a stack on Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Final, Literal, cast

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from components.settings import types
from components.settings.gcp import machines, regions, shares, sql_tiers
from components.settings.gcp.bigquery import BigQuery
from components.settings.gcp.network import DnsEndpoint, Endpoint, Network
from components.settings.managed_cloud import BrokerDisk, Maintenance, NodePool
from components.settings.postgres_versions import MajorVersion
from components.settings.types import ImageReference, Model

LEAST_CONNECTIONS: Final = 50
"""Maximum of connections of the second smallest tier of Cloud SQL."""
OWNED_FLAGS: Final = frozenset({"cloudsql.iam_authentication", "cloudsql.enable_pgaudit"})


def _region(text: str) -> str:
    """The region, if Google Cloud has it.

    Raises:
        ValueError: it does not; "rule; remedy".
    """
    if text not in regions.ZONES:
        near = get_close_matches(text, regions.ZONES, n=1)
        hint = f"did you mean {near[0]}" if near else f"use one of {', '.join(regions.ZONES)}"
        raise ValueError(f"is not a region of Google Cloud; {hint}")
    return text


def _machine(text: str) -> str:
    """The machine type, if a node of a cluster can have it.

    Raises:
        ValueError: it cannot; "rule; remedy".
    """
    if rule := machines.rule(text):
        raise ValueError(rule)
    return text


MachineType = Annotated[str, AfterValidator(_machine), Field(title="machine type of Compute Engine")]
ProjectId = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]\Z", title="project id: 6 to 30 of a-z, 0-9 and -")
]
Region = Annotated[str, AfterValidator(_region), Field(title="region of Google Cloud")]
KeyName = Annotated[
    str,
    Field(
        pattern=r"^projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+\Z",
        title="full name of a key of Cloud KMS",
    ),
]
Member = Annotated[
    str, Field(pattern=r"^(user|group|domain|serviceAccount):[^\s:]+\Z", title="user:, group: or domain: with its name")
]
ZoneName = Annotated[str, Field(title="zones of the region, up to three")]


class Pool(NodePool):
    """Nodes of one machine type."""

    machine_type: MachineType = "e2-standard-4"
    """Machine type of the nodes, of a family with x86 processors and persistent disks, such as e2, n2 or c3."""
    nodes_min: Annotated[int, Field(ge=0, le=100)] = 1
    """Minimum number of nodes in each zone."""
    nodes_max: Annotated[int, Field(ge=1, le=100, validate_default=True)] = 3
    """Maximum number of nodes in each zone."""
    disk_gib: Annotated[int, Field(ge=20, le=65_536)] = 50
    """Disk size of one node, in GiB."""
    spot: bool = False
    """Whether nodes are spot machines: cheaper, and withdrawn at any time. Their pods then have 15 seconds to stop,
    whatever their grace period, and their tasks are lost and retried."""


class SystemPool(Pool):
    """Nodes for Airflow's services, and for tasks unless there is a pool for them."""

    nodes_min: Annotated[int, Field(ge=1, le=100)] = 1
    """Minimum number of nodes in each zone."""


class TaskPool(Pool):
    """Nodes for workers and task pods only; a taint keeps other pods away."""

    nodes_min: Annotated[int, Field(ge=0, le=100)] = 0
    """Minimum number of nodes in each zone."""


class Cluster(Model):
    """The GKE cluster."""

    channel: Literal["rapid", "regular", "stable"] = "regular"
    """Release channel: how early new versions of Kubernetes are installed."""
    endpoint: Endpoint = DnsEndpoint(kind="dns")
    """Access to the cluster's API."""
    system_nodes: SystemPool = SystemPool()
    """Nodes for Airflow's services."""
    task_nodes: TaskPool | None = None
    """Nodes for tasks only; default: tasks share the nodes of the services."""
    observe: Literal["everything", "system"] = "everything"
    """Scope of logs and metrics: `system` excludes logs and metrics of pods, traffic, and posture checks."""
    encryption_key: KeyName | None = None
    """Key for additional encryption of Kubernetes Secrets; GKE's agent must have access. Default: Google's key only."""
    signed_images_only: bool = False
    """Whether the project's Binary Authorization policy restricts images."""

    @field_validator("endpoint", mode="before")
    @classmethod
    def _reachable(cls, endpoint: object) -> object:
        kind = cast(Mapping[str, object], endpoint).get("kind") if isinstance(endpoint, Mapping) else None
        if kind == "private":
            raise ValueError(
                "is inside a network that the same `up` creates, where this program cannot reach it; use kind dns, "
                "which exposes no IP address, or authorized_ranges"
            )
        return cast(object, endpoint)


class Database(types.Database):
    """The Cloud SQL server."""

    SIZED_BY = "size"
    MORE_CONNECTIONS = "a larger size, flags with more max_connections"

    version: MajorVersion = 17
    """Major version of PostgreSQL. A higher one upgrades in place, with an outage; a downgrade is not possible."""
    edition: sql_tiers.Edition = "enterprise"
    """Edition of Cloud SQL, which decides the available tiers."""
    high_availability: bool = True
    """Whether there is a standby server in another zone; doubles the price."""
    size: Annotated[str, Field(title="tier of Cloud SQL", validate_default=True)] = "db-custom-2-7680"
    """Size of the server, as Cloud SQL names its tiers; it decides the maximum number of connections. A change restarts
    the server."""
    disk_gib: Annotated[int, Field(ge=10, le=65_536)] = 20
    """Initial disk size, in GiB; it grows automatically."""
    disk_limit_gib: Annotated[int, Field(ge=10, le=65_536, validate_default=True)] = 500
    """Maximum disk size, in GiB."""
    backup_retention_days: Annotated[int, Field(ge=1, le=365)] = 14
    """Retention of daily backups, in days."""
    point_in_time_recovery: bool = True
    """Whether the server can be restored to any point in time of the last 7 days."""
    audit: bool = True
    """Whether connections, checkpoints, lock waits and temporary files are logged, and statements can be audited."""
    insights: bool = True
    """Whether slow queries are sampled, and weak passwords are refused."""
    proxy_image: ImageReference | None = None
    """Image of the Cloud SQL Auth Proxy, version 2, as a sidecar of each workload; default: direct connections."""
    flags: dict[str, str] = Field(default_factory=dict, title="flag, text")
    """Additional flags of Cloud SQL: name and value as text."""

    @field_validator("size")
    @classmethod
    def _sold(cls, tier: str, info: ValidationInfo) -> str:
        # Tiers depend on the edition: without a valid one there is nothing to check.
        if (edition := info.data.get("edition")) is not None and (rule := sql_tiers.tier_rule(tier, edition)):
            raise ValueError(rule)
        if tier in sql_tiers.SHARED_CORE_MIB and info.data.get("high_availability"):
            raise ValueError(
                "shares a core, and high availability requires dedicated cores; use db-custom-1-3840 or larger, or "
                "turn high_availability off"
            )
        return tier

    @field_validator("disk_limit_gib")
    @classmethod
    def _above(cls, limit: int, info: ValidationInfo) -> int:
        if limit < (size := info.data.get("disk_gib", 0)):
            raise ValueError(f"is below disk_gib ({size}); use at least that much")
        return limit

    @field_validator("point_in_time_recovery")
    @classmethod
    def _with_availability(cls, recovery: bool, info: ValidationInfo) -> bool:
        if not recovery and info.data.get("high_availability"):
            raise ValueError("is required by high availability; leave it on, or turn high_availability off as well")
        return recovery

    @field_validator("flags")
    @classmethod
    def _free(cls, flags: dict[str, str]) -> dict[str, str]:
        for name in flags:
            if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?", name):
                raise ValueError(f"contains {name!r}, which is not a flag; write names like log_min_duration_statement")
            if name in OWNED_FLAGS:
                raise ValueError(f"contains {name}, which is set by `audit`; leave it out")
        connections = flags.get("max_connections", str(LEAST_CONNECTIONS))
        if not connections.isdigit() or int(connections) < LEAST_CONNECTIONS:
            raise ValueError(
                f"sets max_connections to {connections!r}; use {LEAST_CONNECTIONS} or more, or leave it out"
            )
        return flags

    @property
    def max_connections(self) -> int:
        """Maximum number of connections for Airflow, the server's own subtracted."""
        flag = self.flags.get("max_connections")
        return (sql_tiers.connections(self.size) if flag is None else int(flag)) - sql_tiers.OWN_CONNECTIONS


class Shares(Model):
    """File shares of Filestore: one for logs and one for DAG files, if the stack uses them."""

    tier: shares.Tier = "regional"
    """Service tier of Filestore; it decides sizes (1 TiB and more), price, and whether a share survives a zone's
    failure."""


class WeekendMaintenance(Maintenance):
    """Windows on Saturdays and Sundays. GKE requires more hours a month than a window of 4 hours a week has,
    https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions."""

    hour: Annotated[int, Field(ge=0, le=23)] = 2
    """Hour (UTC) at which the window begins, on Saturdays and Sundays; the database uses Sundays. With
    `maintenance: null` upgrades are possible at any time."""


class GcpCloud(Model):
    """A GKE cluster with Cloud SQL."""

    kind: Literal["gcp"]
    project: ProjectId
    """The Google Cloud project's id. Billing must be enabled; the program enables APIs."""
    region: Region
    """The region of all resources."""
    zones: Annotated[list[ZoneName], Field(max_length=3, title="list of up to three zones")] = Field(
        default_factory=list[str]
    )
    """Zones of the nodes, by name or by letter (`b`). One zone makes a zonal cluster: cheaper, but
    unavailable when the zone is. Default: three zones, regional cluster."""
    cluster: Cluster = Cluster()
    """The GKE cluster."""
    database: Database = Database()
    """The Cloud SQL server."""
    network: Network = Network()
    """Address ranges of the stack's own network."""
    broker_disk: BrokerDisk = BrokerDisk()
    """The disk of the broker."""
    shares: Shares = Shares()
    """File shares."""
    bigquery: BigQuery = BigQuery()
    """Datasets of BigQuery."""
    registry: bool = False
    """Whether an Artifact Registry for your images is created, with read access for the nodes. The first `pulumi up`
    creates it and uses an image from elsewhere: push yours afterwards, and set `image`."""
    maintenance: WeekendMaintenance | None = WeekendMaintenance()
    """When cluster and database may be upgraded; null is at any time."""
    iap: Annotated[list[Member], Field(title="list of user:, group: or domain: members")] = Field(
        default_factory=list[str]
    )
    """Members that Identity-Aware Proxy admits before Airflow's own login; default: no proxy. Requires a Gateway, and a
    project in an organization: Google's login client admits only members of that organization."""

    production_data: bool = False
    """Whether the stack has production data: `protect` cannot be turned off then."""

    @field_validator("zones")
    @classmethod
    def _inside(cls, zones: list[str], info: ValidationInfo) -> list[str]:
        region = info.data.get("region")
        if region is None:
            return zones
        known = [f"{region}-{letter}" for letter in regions.ZONES[region]]
        zones = [f"{region}-{zone}" if len(zone) == 1 else zone for zone in zones]
        for zone in zones:
            if zone not in known:
                raise ValueError(f"contains {zone!r}, which is outside {region}; use {', '.join(known)}")
        if len({*zones}) < len(zones):
            raise ValueError("contains a zone twice; list each once")
        return zones

    @property
    def node_zones(self) -> list[str]:
        """Zones of the nodes, set or default."""
        return self.zones or regions.zones(self.region)

    @property
    def cluster_location(self) -> str:
        """Location of the control plane: the one zone, or the region."""
        return self.zones[0] if len(self.zones) == 1 else self.region
