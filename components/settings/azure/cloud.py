"""A stack on Azure."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from components.settings import types
from components.settings.azure import catalogue
from components.settings.azure.network import Endpoint, Network, PublicEndpoint
from components.settings.azure.tags import TagNames, Tags
from components.settings.cidr import ClientRange
from components.settings.managed_cloud import BrokerDisk, Maintenance, NodePool
from components.settings.postgres_versions import MajorVersion
from components.settings.types import Model

UUID: Final = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z"
MACHINE: Final = r"Standard_[A-Z]+\d+(-\d+)?[a-z]*(_[A-Z]\w*)?(_v\d+)?"
LEAST_SYSTEM_CPUS: Final = 2


def _region(text: str) -> str:
    """The region, if Azure has one of that name.

    Raises:
        ValueError: it has not; "rule; remedy".
    """
    if text not in catalogue.REGIONS:
        near = get_close_matches(text.lower().replace(" ", ""), catalogue.REGIONS, n=1)
        hint = f"did you mean {near[0]}" if near else f"use one of {', '.join(catalogue.REGIONS)}"
        raise ValueError(f"is no region of Azure; {hint}")
    return text


def _machine(text: str) -> str:
    """The machine size, if a node can have it.

    Raises:
        ValueError: it cannot; "rule; remedy".
    """
    cpus = re.search(r"\d+", text)
    if not re.fullmatch(MACHINE, text) or cpus is None or int(cpus[0]) < LEAST_SYSTEM_CPUS:
        raise ValueError(f"is no machine size of {LEAST_SYSTEM_CPUS} or more processors; use one like Standard_D4ds_v5")
    return text


Region = Annotated[str, AfterValidator(_region), Field(title="region of Azure")]
MachineType = Annotated[str, AfterValidator(_machine), Field(title="size of virtual machines")]
Uuid = Annotated[str, Field(pattern=UUID, title="UUID in lower case")]
Zone = Literal["1", "2", "3"]


class Pool(NodePool):
    """Nodes of one machine type."""

    machine_type: MachineType = "Standard_D4ds_v5"
    """Size of the nodes."""
    nodes_min: Annotated[int, Field(ge=0, le=1000)] = 1
    """Minimum number of nodes in all zones together."""
    nodes_max: Annotated[int, Field(ge=1, le=1000, validate_default=True)] = 3
    """Maximum number of nodes in all zones together."""
    disk: Annotated[Literal["ephemeral", "managed"], Field(validate_default=True)] = "ephemeral"
    """System disk of a node: on the machine itself, fast and free, or a managed disk."""
    disk_gib: Annotated[int, Field(ge=30, le=2048)] = 64
    """Size of that disk, in GiB."""

    @field_validator("disk")
    @classmethod
    def _held(cls, disk: str, info: ValidationInfo) -> str:
        size: str | None = info.data.get("machine_type")
        if disk == "ephemeral" and size is not None and not catalogue.DISK_SIZES.fullmatch(size):
            raise ValueError(f'needs a local disk, which {size} has not; use "managed", or one like Standard_D4ds_v5')
        return disk


class SystemPool(Pool):
    """Nodes for the cluster's own services, and for everything that has no pool of its own."""

    nodes_min: Annotated[int, Field(ge=1, le=1000)] = 1
    """Minimum number of nodes in all zones together."""


class TaskPool(Pool):
    """Nodes for workers and task pods alone, kept free of everything else by a taint."""

    nodes_min: Annotated[int, Field(ge=0, le=1000)] = 0
    """Minimum number of nodes in all zones together."""
    spot: bool = False
    """Whether nodes are cheap and may be taken away at any time."""


class Cluster(Model):
    """The AKS cluster. Who logs in is known to Entra; there are no local accounts."""

    tier: Literal["free", "standard", "premium"] = "free"
    """How far Azure answers for the control plane: `free` not at all, `standard` 99.95 % with zones."""
    endpoint: Endpoint = PublicEndpoint(kind="public")
    """From where the cluster's API is reached."""
    login: Literal["azurecli", "azd", "devicecode", "msi", "spn", "workloadidentity"] = "azurecli"
    """How `kubelogin` logs in; `workloadidentity` and `msi` are for pipelines."""
    admin_groups: Annotated[list[Uuid], Field(max_length=20, title="list of UUIDs")] = Field(default_factory=list[str])
    """Object ids of Entra groups whose members administer the cluster; who creates the stack does in any case."""
    system_nodes: SystemPool = SystemPool()
    """Nodes for the cluster's own services."""
    airflow_nodes: Pool | None = None
    """Nodes for Airflow; default: it shares the nodes of the cluster's own services."""
    task_nodes: TaskPool | None = None
    """Nodes for tasks alone; default: tasks share the nodes of Airflow."""
    channel: Literal["patch", "stable", "rapid"] = "patch"
    """Upgrade channel: how early new versions of Kubernetes are installed."""
    node_upgrades: Literal["NodeImage", "SecurityPatch"] = "NodeImage"
    """How nodes are patched: by new images each week, or by security patches alone."""
    encryption_at_host: bool = False
    """Whether disks are encrypted on the machines as well; the subscription must have that feature registered."""
    policy: bool = False
    """Whether the add-on for Azure Policy runs in the cluster."""
    audit: bool = False
    """Whether what administrators change in the cluster is logged to a workspace of Log Analytics."""

    @field_validator("endpoint", mode="before")
    @classmethod
    def _reachable(cls, endpoint: object) -> object:
        # The network is made here: whoever runs this program is outside it until it is there, and the zone with the
        # API's name lies in the nodes' resource group, which takes no links,
        # https://learn.microsoft.com/azure/aks/private-cluster-connect.
        if endpoint == {"kind": "private"}:
            raise ValueError(
                "cannot be reached by this program, which makes the network in the same `up`;"
                ' use kind "authorized_ranges" with the addresses of operators'
            )
        return endpoint


class Database(types.Database):
    """The PostgreSQL Flexible Server."""

    SIZED_BY = "size"
    MORE_CONNECTIONS = "a larger size"

    version: MajorVersion = 17
    """Major version of PostgreSQL. A higher one upgrades in place, with an outage; there is no way back."""
    size: Annotated[str, Field(title="size of Flexible Server", validate_default=True)] = "Standard_B2s"
    """Size of the server; it decides tier and number of connections. Changing it restarts the server."""
    high_availability: Literal["none", "same_zone", "zone_redundant"] = "none"
    """Whether a second server takes over, and where it stands; doubles the price. Not every region with zones has
    `zone_redundant` for new servers."""
    disk_gib: int = Field(
        default=32, ge=32, le=32_767, title=", ".join(map(str, catalogue.DATABASE_DISKS_GIB)), validate_default=True
    )
    """Disk at the start, in GiB; from then on it grows by itself, and a change here has no effect."""
    backup_retention_days: Annotated[int, Field(ge=7, le=35)] = 7
    """How long backups are kept, in days; within them the server can be restored to any second."""
    geo_redundant_backup: bool = False
    """Whether backups are copied to the paired region; only for a new server."""
    audit: bool = False
    """Whether the server's log goes to a workspace of Log Analytics, with connections and each statement that changes
    objects, roles or rights, and wrong passwords slow a client down. To turn it off, turn `protect` off first."""

    @field_validator("size")
    @classmethod
    def _sold(cls, size: str) -> str:
        if not catalogue.is_database_size(size):
            raise ValueError("is no size of Flexible Server; use one like Standard_B2s or Standard_D2ds_v5")
        return size

    @field_validator("high_availability")
    @classmethod
    def _possible(cls, mode: str, info: ValidationInfo) -> str:
        size: str | None = info.data.get("size")
        if mode != "none" and size is not None and catalogue.tier(size) == "Burstable":
            raise ValueError(f'is not for the Burstable size {size}; use "none", or a size like Standard_D2ds_v5')
        return mode

    @field_validator("disk_gib")
    @classmethod
    def _stepped(cls, disk_gib: int) -> int:
        if disk_gib not in catalogue.DATABASE_DISKS_GIB:
            sizes = ", ".join(map(str, catalogue.DATABASE_DISKS_GIB))
            raise ValueError(f"is no size that disks of Flexible Server have; use one of {sizes}")
        return disk_gib

    @property
    def max_connections(self) -> int:
        """Maximum number of connections for Airflow, the server's own subtracted."""
        return catalogue.max_connections(self.size)


class Storage(Model):
    """The storage accounts: one for task logs, and one for file shares, where the stack has them."""

    redundancy: Literal["lrs", "zrs", "gzrs"] = "lrs"
    """Copies: `lrs` in one building, `zrs` in three zones, `gzrs` in the paired region as well."""
    versions: bool = False
    """Whether logs that are overwritten stay readable as long as others do."""
    deleted_kept_days: Annotated[int, Field(ge=1, le=365)] = 7
    """How long what was deleted can be brought back, in days."""
    allowed_ranges: Annotated[list[ClientRange], Field(max_length=200, title="list of IPv4 ranges, not everyone's")] = (
        Field(default_factory=list[str])
    )
    """From where else, beside the cluster, shares and logs are reached: whoever uploads DAG files. At most a /30."""


class Shares(Model):
    """File shares, one for logs and one for DAG files, where the stack asks for them."""

    protocol: Literal["smb", "nfs"] = "smb"
    """How nodes mount them: SMB by the account's key, NFS by their place in the network."""
    tier: Annotated[Literal["standard", "premium"], Field(validate_default=True)] = "standard"
    """Hard disks, or solid-state disks, which NFS takes and which begin at 100 GiB."""

    @field_validator("tier")
    @classmethod
    def _fast(cls, tier: str, info: ValidationInfo) -> str:
        if tier != "premium" and info.data.get("protocol") == "nfs":
            raise ValueError('has no shares by NFS; use "premium", or protocol "smb"')
        return tier


class ManagedDisk(BrokerDisk):
    """The disk of the broker; its size is the broker's own setting."""

    tier: Literal["standard", "premium"] = "premium"
    """Kind of solid-state disk. With nodes in several zones it is one that all of them can attach."""
    kept: bool = False
    """Whether the disk, with the messages on it, stays in a resource group of its own when the stack is destroyed."""


class WeeklyMaintenance(Maintenance):
    """A window on one day of the week."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "saturday"
    """Day of the week. With `maintenance: null` upgrades come at any time."""
    hour: Annotated[int, Field(ge=0, le=23)] = 1
    """Hour (UTC) at which the window begins."""
    duration_hours: Annotated[int, Field(ge=4, le=24)] = 4
    """Length of the cluster's window, in hours."""


class AzureCloud(Model):
    """An AKS cluster with Azure Database for PostgreSQL."""

    kind: Literal["azure"]
    subscription_id: Uuid
    """The Azure subscription's id."""
    region: Region
    """The region of all resources."""
    zones: Annotated[list[Zone], Field(max_length=3, title='list of up to three of "1", "2", "3"')] | None = None
    """Availability zones of nodes and disks; default: all of the region; none with an empty list."""
    network: Network = Network()
    """The stack's own virtual network."""
    cluster: Cluster = Cluster()
    """The AKS cluster."""
    database: Database = Database()
    """The PostgreSQL server."""
    storage: Storage = Storage()
    """The storage accounts."""
    shares: Shares = Shares()
    """File shares."""
    broker_disk: ManagedDisk = ManagedDisk()
    """The disk of the broker."""
    registry: Literal["none", "basic", "standard", "premium"] = "none"
    """Service tier of a container registry for your images, which the nodes may read; `none` makes none."""
    maintenance: WeeklyMaintenance | None = WeeklyMaintenance()
    """When cluster and database may be upgraded; null is at any time."""
    tags: Tags = Field(default_factory=dict[str, str])
    """Tags of every resource, as policies of a subscription may ask for; names with other characters than letters,
    digits, `_`, `.` and `-` are left out of DNS zones, which take none such."""
    ignored_tags: TagNames = Field(default_factory=list[str])
    """Names of tags that others add, such as a policy that copies those of the resource group: they are left alone."""
    production_data: bool = False
    """Whether data of production lies here: settings then refuse to turn `protect` off."""

    @field_validator("zones")
    @classmethod
    def _there(cls, zones: list[str] | None, info: ValidationInfo) -> list[str] | None:
        region: str | None = info.data.get("region")
        if zones and region is not None and not catalogue.has_zones(region):
            raise ValueError(f"are not there in {region}; leave them out, or choose a region with zones")
        if zones and len({*zones}) < len(zones):
            raise ValueError("name a zone twice; name each once")
        return zones

    @property
    def node_zones(self) -> list[str]:
        """Where nodes and disks are, whether the stack says so or not; empty is anywhere in the region."""
        if self.zones is not None:
            return [*self.zones]
        return [*catalogue.ZONES] if catalogue.has_zones(self.region) else []

    @property
    def workload_nodes(self) -> Pool:
        """The nodes that Airflow runs on."""
        return self.cluster.airflow_nodes or self.cluster.system_nodes
