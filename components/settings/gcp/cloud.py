"""A stack on Google Cloud."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Final, Literal, cast

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from components.settings import types
from components.settings.gcp import machines, regions, shares, sql_tiers
from components.settings.gcp.network import DnsEndpoint, Endpoint, Network
from components.settings.managed_cloud import BrokerDisk, Maintenance, NodePool
from components.settings.postgres_versions import MajorVersion
from components.settings.types import ImageReference, Model

LEAST_CONNECTIONS: Final = 50
"""What Cloud SQL gives its second smallest tier."""
OWNED_FLAGS: Final = frozenset({"cloudsql.iam_authentication", "cloudsql.enable_pgaudit"})


def _region(text: str) -> str:
    """The region, if Google Cloud has one of that name.

    Raises:
        ValueError: it has not; "rule; remedy".
    """
    if text not in regions.ZONES:
        near = get_close_matches(text, regions.ZONES, n=1)
        hint = f"did you mean {near[0]}" if near else f"use one of {', '.join(regions.ZONES)}"
        raise ValueError(f"is no region of Google Cloud; {hint}")
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
    """Machine type of the nodes: of a family with x86 processors that takes persistent disks, such as e2, n2 or c3."""
    nodes_min: Annotated[int, Field(ge=0, le=100)] = 1
    """Minimum number of nodes in each zone."""
    nodes_max: Annotated[int, Field(ge=1, le=100, validate_default=True)] = 3
    """Maximum number of nodes in each zone."""
    disk_gib: Annotated[int, Field(ge=20, le=65_536)] = 50
    """Disk of one node, in GiB."""
    spot: bool = False
    """Whether nodes are cheap and may be taken away at any time: their pods then have 15 seconds to end, whatever grace
    they were promised, and tasks on them are lost and tried again."""


class SystemPool(Pool):
    """Nodes for Airflow's own services, and for tasks unless these have a pool of their own."""

    nodes_min: Annotated[int, Field(ge=1, le=100)] = 1
    """Minimum number of nodes in each zone."""


class TaskPool(Pool):
    """Nodes for workers and task pods alone, kept free of everything else by a taint."""

    nodes_min: Annotated[int, Field(ge=0, le=100)] = 0
    """Minimum number of nodes in each zone."""


class Cluster(Model):
    """The GKE cluster."""

    channel: Literal["rapid", "regular", "stable"] = "regular"
    """Release channel: how early new versions of Kubernetes come."""
    endpoint: Endpoint = DnsEndpoint(kind="dns")
    """How the cluster's API is reached."""
    system_nodes: SystemPool = SystemPool()
    """Nodes for Airflow's own services."""
    task_nodes: TaskPool | None = None
    """Nodes for tasks alone; default: tasks share the nodes of the services."""
    observe: Literal["everything", "system"] = "everything"
    """What is logged and measured: `system` leaves out the pods' own logs and metrics, traffic, and posture checks."""
    encryption_key: KeyName | None = None
    """Key that encrypts Kubernetes Secrets once more, which GKE's agent may use; default: Google's own key alone."""
    signed_images_only: bool = False
    """Whether the project's policy of Binary Authorization decides which images run."""

    @field_validator("endpoint", mode="before")
    @classmethod
    def _reachable(cls, endpoint: object) -> object:
        kind = cast(Mapping[str, object], endpoint).get("kind") if isinstance(endpoint, Mapping) else None
        if kind == "private":
            raise ValueError(
                "is inside a network that the same `up` makes, where this program cannot reach it; use kind dns, which "
                "opens no address, or authorized_ranges"
            )
        return cast(object, endpoint)


class Database(types.Database):
    """The Cloud SQL server."""

    SIZED_BY = "size"
    MORE_CONNECTIONS = "a larger size, flags with more max_connections"

    version: MajorVersion = 17
    """Major version of PostgreSQL. A higher one upgrades in place, with an outage; there is no way back."""
    edition: sql_tiers.Edition = "enterprise"
    """Edition of Cloud SQL, which decides the tiers."""
    high_availability: bool = True
    """Whether a second server in another zone takes over; doubles the price."""
    size: Annotated[str, Field(title="tier of Cloud SQL", validate_default=True)] = "db-custom-2-7680"
    """Size of the server, as Cloud SQL names its tiers; it decides the maximum number of connections. A change restarts
    the server."""
    disk_gib: Annotated[int, Field(ge=10, le=65_536)] = 20
    """Disk at the start, in GiB; it grows by itself."""
    disk_limit_gib: Annotated[int, Field(ge=10, le=65_536, validate_default=True)] = 500
    """Where growth of the disk ends, in GiB."""
    backup_retention_days: Annotated[int, Field(ge=1, le=365)] = 14
    """How long daily backups are kept, in days."""
    point_in_time_recovery: bool = True
    """Whether the server can be restored to any second of the last 7 days."""
    audit: bool = True
    """Whether connections, checkpoints, lock waits and temporary files are logged, and statements can be audited."""
    insights: bool = True
    """Whether slow queries are sampled, and weak passwords are refused."""
    proxy_image: ImageReference | None = None
    """Image of the Cloud SQL Auth Proxy, version 2, to run beside each part; default: connections go directly."""
    flags: dict[str, str] = Field(default_factory=dict, title="flag, text")
    """Free flags of Cloud SQL: name and value as text."""

    @field_validator("size")
    @classmethod
    def _sold(cls, tier: str, info: ValidationInfo) -> str:
        # Without an edition that is fine there is nothing to measure by.
        if (edition := info.data.get("edition")) is not None and (rule := sql_tiers.tier_rule(tier, edition)):
            raise ValueError(rule)
        if tier in sql_tiers.SHARED_CORE_MIB and info.data.get("high_availability"):
            raise ValueError(
                "shares a core, which high availability excludes; use db-custom-1-3840 or larger, or turn "
                "high_availability off"
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
            raise ValueError("is what high availability takes; leave it on, or turn high_availability off as well")
        return recovery

    @field_validator("flags")
    @classmethod
    def _free(cls, flags: dict[str, str]) -> dict[str, str]:
        for name in flags:
            if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)?", name):
                raise ValueError(f"holds {name!r}, which is no flag; write names like log_min_duration_statement")
            if name in OWNED_FLAGS:
                raise ValueError(f"holds {name}, which `audit` decides; leave it out")
        connections = flags.get("max_connections", str(LEAST_CONNECTIONS))
        if not connections.isdigit() or int(connections) < LEAST_CONNECTIONS:
            raise ValueError(
                f"leaves Airflow max_connections {connections!r}; use {LEAST_CONNECTIONS} or more, or leave it out"
            )
        return flags

    @property
    def max_connections(self) -> int:
        """Maximum number of connections for Airflow, the server's own subtracted."""
        flag = self.flags.get("max_connections")
        return (sql_tiers.connections(self.size) if flag is None else int(flag)) - sql_tiers.OWN_CONNECTIONS


class Shares(Model):
    """File shares of Filestore, one for logs and one for DAG files, where the stack asks for them."""

    tier: shares.Tier = "regional"
    """Service tier of Filestore; it decides sizes (1 TiB and more), price, and whether a share outlives a zone."""


class WeekendMaintenance(Maintenance):
    """Windows on Saturdays and Sundays: GKE wants more hours a month than one window of 4 hours a week has,
    https://cloud.google.com/kubernetes-engine/docs/concepts/maintenance-windows-and-exclusions."""

    hour: Annotated[int, Field(ge=0, le=23)] = 2
    """Hour (UTC) at which the window begins, on Saturdays and Sundays; the database uses Sundays. With
    `maintenance: null` upgrades come at any time."""


class GcpCloud(Model):
    """A GKE cluster with Cloud SQL."""

    kind: Literal["gcp"]
    project: ProjectId
    """The Google Cloud project's id. Billing must be on; APIs are enabled by the program."""
    region: Region
    """The region of all resources."""
    zones: Annotated[list[ZoneName], Field(max_length=3, title="list of up to three zones")] = Field(
        default_factory=list[str]
    )
    """Zones of the nodes, by name or by letter (`b`). One zone gives a zonal cluster, which is cheaper and stops with
    its zone; default: three, with a regional cluster."""
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
    registry: bool = False
    """Whether an Artifact Registry for your images is made, which the nodes may read. The first `pulumi up` makes it,
    and runs an image from elsewhere: push yours afterwards, and set `image`."""
    maintenance: WeekendMaintenance | None = WeekendMaintenance()
    """When cluster and database may be upgraded; null is at any time."""
    iap: Annotated[list[Member], Field(title="list of user:, group: or domain: members")] = Field(
        default_factory=list[str]
    )
    """Who may pass Identity-Aware Proxy before Airflow's own login; default: it is off. Requires a Gateway, and a
    project in an organization: Google's own login client lets in members of that organization only."""

    production_data: bool = False
    """Whether data of production lies here: settings then refuse to turn `protect` off."""

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
                raise ValueError(f"holds {zone!r}, which is outside {region}; use {', '.join(known)}")
        if len({*zones}) < len(zones):
            raise ValueError("names a zone twice; name each once")
        return zones

    @property
    def node_zones(self) -> list[str]:
        """Where nodes are, whether the stack says so or not."""
        return self.zones or regions.zones(self.region)

    @property
    def cluster_location(self) -> str:
        """Where the control plane is: in the one zone, else in all zones of the region."""
        return self.zones[0] if len(self.zones) == 1 else self.region
