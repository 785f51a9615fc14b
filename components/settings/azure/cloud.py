"""Settings of a stack on Azure."""

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
    """The region, if Azure has it.

    Raises:
        ValueError: it does not; "rule; remedy".
    """
    if text not in catalogue.REGIONS:
        near = get_close_matches(text.lower().replace(" ", ""), catalogue.REGIONS, n=1)
        hint = f"did you mean {near[0]}" if near else f"use one of {', '.join(catalogue.REGIONS)}"
        raise ValueError(f"is not a region of Azure; {hint}")
    return text


def _machine(text: str) -> str:
    """The size of virtual machines, if a node can have it.

    Raises:
        ValueError: it cannot; "rule; remedy".
    """
    cpus = re.search(r"\d+", text)
    if not re.fullmatch(MACHINE, text) or cpus is None or int(cpus[0]) < LEAST_SYSTEM_CPUS:
        raise ValueError(f"is not a size of {LEAST_SYSTEM_CPUS} or more processors; use one like Standard_D4ds_v5")
    return text


Region = Annotated[str, AfterValidator(_region), Field(title="region of Azure")]
MachineType = Annotated[str, AfterValidator(_machine), Field(title="size of virtual machines")]
Uuid = Annotated[str, Field(pattern=UUID, title="UUID in lower case")]
Zone = Literal["1", "2", "3"]


class Pool(NodePool):
    """Nodes of one machine type."""

    machine_type: MachineType = "Standard_D4ds_v5"
    """Size of the virtual machines."""
    nodes_min: Annotated[int, Field(ge=0, le=1000)] = 1
    """Minimum number of nodes in all zones together."""
    nodes_max: Annotated[int, Field(ge=1, le=1000, validate_default=True)] = 3
    """Maximum number of nodes in all zones together."""
    disk: Annotated[Literal["ephemeral", "managed"], Field(validate_default=True)] = "ephemeral"
    """System disk of a node: ephemeral on the machine itself, fast and without a price, or a managed disk."""
    disk_gib: Annotated[int, Field(ge=30, le=2048)] = 64
    """Size of the system disk, in GiB."""

    @field_validator("disk")
    @classmethod
    def _held(cls, disk: str, info: ValidationInfo) -> str:
        size: str | None = info.data.get("machine_type")
        if disk == "ephemeral" and size is not None and not catalogue.DISK_SIZES.fullmatch(size):
            raise ValueError(f'requires a local disk, and {size} has none; use "managed", or one like Standard_D4ds_v5')
        return disk


class SystemPool(Pool):
    """Nodes for the cluster's services, and for all pods without a pool of their own."""

    nodes_min: Annotated[int, Field(ge=1, le=1000)] = 1
    """Minimum number of nodes in all zones together."""


class TaskPool(Pool):
    """Nodes for workers and task pods only; a taint keeps other pods away."""

    nodes_min: Annotated[int, Field(ge=0, le=1000)] = 0
    """Minimum number of nodes in all zones together."""
    spot: bool = False
    """Whether nodes are spot machines: cheaper, and withdrawn at any time."""


class Cluster(Model):
    """The AKS cluster. Users log in with Entra; there are no local accounts."""

    tier: Literal["free", "standard", "premium"] = "free"
    """Uptime SLA of the control plane: none with `free`, 99.95 % with `standard` and zones."""
    endpoint: Endpoint = PublicEndpoint(kind="public")
    """Access to the cluster's API."""
    login: Literal["azurecli", "azd", "devicecode", "msi", "spn", "workloadidentity"] = "azurecli"
    """Login method of `kubelogin`; `workloadidentity` and `msi` are for pipelines."""
    admin_groups: Annotated[list[Uuid], Field(max_length=20, title="list of UUIDs")] = Field(default_factory=list[str])
    """Object ids of Entra groups whose members administer the cluster, besides the creator of the stack."""
    system_nodes: SystemPool = SystemPool()
    """Nodes for the cluster's services."""
    airflow_nodes: Pool | None = None
    """Nodes for Airflow; default: Airflow shares the nodes of the cluster's services."""
    task_nodes: TaskPool | None = None
    """Nodes for tasks only; default: tasks share the nodes of Airflow."""
    channel: Literal["patch", "stable", "rapid"] = "patch"
    """Upgrade channel: how early new versions of Kubernetes are installed."""
    node_upgrades: Literal["NodeImage", "SecurityPatch"] = "NodeImage"
    """Node OS upgrade channel: new images each week, or security patches only."""
    encryption_at_host: bool = False
    """Whether disks are also encrypted on the machines; the feature must be registered in the subscription."""
    policy: bool = False
    """Whether the Azure Policy add-on is installed."""
    audit: bool = False
    """Whether changes by administrators of the cluster are logged to a Log Analytics workspace."""

    @field_validator("endpoint", mode="before")
    @classmethod
    def _reachable(cls, endpoint: object) -> object:
        # This program creates the network and runs outside it, and the DNS zone with the API's name is in the nodes'
        # resource group, where links are not allowed,
        # https://learn.microsoft.com/azure/aks/private-cluster-connect.
        if endpoint == {"kind": "private"}:
            raise ValueError(
                "cannot be reached by this program, which creates the network in the same `up`;"
                ' use kind "authorized_ranges" with the addresses of operators'
            )
        return endpoint


class Database(types.Database):
    """The PostgreSQL Flexible Server."""

    SIZED_BY = "size"
    MORE_CONNECTIONS = "a larger size"

    version: MajorVersion = 17
    """Major version of PostgreSQL. A higher one upgrades in place, with an outage; a downgrade is not possible."""
    size: Annotated[str, Field(title="size of Flexible Server", validate_default=True)] = "Standard_B2s"
    """Size of the server; it decides the tier and the maximum number of connections. A change restarts the server."""
    high_availability: Literal["none", "same_zone", "zone_redundant"] = "none"
    """Standby server, and its zone; doubles the price. Not every region with zones offers `zone_redundant` for new
    servers."""
    disk_gib: int = Field(
        default=32, ge=32, le=32_767, title=", ".join(map(str, catalogue.DATABASE_DISKS_GIB)), validate_default=True
    )
    """Initial disk size, in GiB. It grows automatically, and later changes of this setting have no effect."""
    backup_retention_days: Annotated[int, Field(ge=7, le=35)] = 7
    """Retention of backups, in days; the server can be restored to any point in time within them."""
    geo_redundant_backup: bool = False
    """Whether backups are copied to the paired region; for new servers only."""
    audit: bool = False
    """Whether the server's log goes to a Log Analytics workspace, with connections and all statements that change
    objects, roles or rights, and wrong passwords slow a client down. To turn it off, turn `protect` off first."""

    @field_validator("size")
    @classmethod
    def _sold(cls, size: str) -> str:
        if not catalogue.is_database_size(size):
            raise ValueError("is not a size of Flexible Server; use one like Standard_B2s or Standard_D2ds_v5")
        return size

    @field_validator("high_availability")
    @classmethod
    def _possible(cls, mode: str, info: ValidationInfo) -> str:
        size: str | None = info.data.get("size")
        if mode != "none" and size is not None and catalogue.tier(size) == "Burstable":
            raise ValueError(f'is not offered for the Burstable size {size}; use "none", or one like Standard_D2ds_v5')
        return mode

    @field_validator("disk_gib")
    @classmethod
    def _stepped(cls, disk_gib: int) -> int:
        if disk_gib not in catalogue.DATABASE_DISKS_GIB:
            sizes = ", ".join(map(str, catalogue.DATABASE_DISKS_GIB))
            raise ValueError(f"is not a disk size of Flexible Server; use one of {sizes}")
        return disk_gib

    @property
    def max_connections(self) -> int:
        """Maximum number of connections for Airflow, the server's own subtracted."""
        return catalogue.max_connections(self.size)


class Storage(Model):
    """The storage accounts: one for task logs and one for file shares, if the stack uses them."""

    redundancy: Literal["lrs", "zrs", "gzrs"] = "lrs"
    """Copies: `lrs` in one data center, `zrs` in three zones, `gzrs` also in the paired region."""
    versions: bool = False
    """Whether overwritten versions of logs are kept as long as logs."""
    deleted_kept_days: Annotated[int, Field(ge=1, le=365)] = 7
    """Time in which deleted data can be restored, in days."""
    allowed_ranges: Annotated[list[ClientRange], Field(max_length=200, title="list of IPv4 ranges, not everyone's")] = (
        Field(default_factory=list[str])
    )
    """Additional address ranges with access to shares and logs, such as those of users who upload DAG files. At most a
    /30."""


class Shares(Model):
    """File shares: one for logs and one for DAG files, if the stack uses them."""

    protocol: Literal["smb", "nfs"] = "smb"
    """Protocol of mounts: SMB is authorised by the account's key, NFS by the network."""
    tier: Annotated[Literal["standard", "premium"], Field(validate_default=True)] = "standard"
    """Hard disks, or solid-state disks, which NFS requires and whose minimum is 100 GiB."""

    @field_validator("tier")
    @classmethod
    def _fast(cls, tier: str, info: ValidationInfo) -> str:
        if tier != "premium" and info.data.get("protocol") == "nfs":
            raise ValueError('does not support NFS; use "premium", or protocol "smb"')
        return tier


class ManagedDisk(BrokerDisk):
    """The disk of the broker; its size is the broker's own setting."""

    tier: Literal["standard", "premium"] = "premium"
    """Kind of solid-state disk. With nodes in several zones it is zone-redundant, so that all nodes can attach it."""
    kept: bool = False
    """Whether the disk, with the messages on it, stays in a resource group of its own when the stack is destroyed."""


class WeeklyMaintenance(Maintenance):
    """A window on one day of the week."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "saturday"
    """Day of the week. With `maintenance: null` upgrades are possible at any time."""
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
    """Service tier of a container registry for your images, with read access for the nodes; `none`: no registry."""
    maintenance: WeeklyMaintenance | None = WeeklyMaintenance()
    """When cluster and database may be upgraded; null is at any time."""
    tags: Tags = Field(default_factory=dict[str, str])
    """Tags of every resource, as policies of a subscription may require. DNS zones get only tags whose names consist of
    letters, digits, `_`, `.` and `-`."""
    ignored_tags: TagNames = Field(default_factory=list[str])
    """Names of tags that others manage, such as a policy that copies those of the resource group. They are ignored."""
    production_data: bool = False
    """Whether the stack has production data: `protect` cannot be turned off then."""

    @field_validator("zones")
    @classmethod
    def _there(cls, zones: list[str] | None, info: ValidationInfo) -> list[str] | None:
        region: str | None = info.data.get("region")
        if zones and region is not None and not catalogue.has_zones(region):
            raise ValueError(f"do not exist in {region}; leave them out, or choose a region with zones")
        if zones and len({*zones}) < len(zones):
            raise ValueError("contain a zone twice; list each once")
        return zones

    @property
    def node_zones(self) -> list[str]:
        """Zones of nodes and disks, set or default; empty is the region without zones."""
        if self.zones is not None:
            return [*self.zones]
        return [*catalogue.ZONES] if catalogue.has_zones(self.region) else []

    @property
    def workload_nodes(self) -> Pool:
        """The nodes of Airflow's services."""
        return self.cluster.airflow_nodes or self.cluster.system_nodes
