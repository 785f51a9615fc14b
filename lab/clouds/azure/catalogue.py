"""Catalogue of the simulated Azure: locations, machine sizes, database sizes and built-in roles.

Facts from the vendor's documentation, by heading: "Azure regions with availability zone support", "Sizes for virtual
machines", "Compute options in Azure Database for PostgreSQL", "Azure built-in roles".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

ZONED: Final = frozenset(
    [
        "australiaeast",
        "austriaeast",
        "brazilsouth",
        "canadacentral",
        "centralindia",
        "centralus",
        "chilecentral",
        "eastasia",
        "eastus",
        "eastus2",
        "francecentral",
        "germanywestcentral",
        "indonesiacentral",
        "israelcentral",
        "italynorth",
        "japaneast",
        "japanwest",
        "koreacentral",
        "malaysiawest",
        "mexicocentral",
        "newzealandnorth",
        "northeurope",
        "norwayeast",
        "polandcentral",
        "qatarcentral",
        "southafricanorth",
        "southcentralus",
        "southeastasia",
        "spaincentral",
        "swedencentral",
        "switzerlandnorth",
        "uaenorth",
        "uksouth",
        "westeurope",
        "westus2",
        "westus3",
    ]
)
"""Locations with availability zones 1, 2 and 3."""
UNZONED: Final = frozenset(
    [
        "australiacentral",
        "australiasoutheast",
        "brazilsoutheast",
        "canadaeast",
        "francesouth",
        "germanynorth",
        "jioindiawest",
        "koreasouth",
        "northcentralus",
        "norwaywest",
        "southafricawest",
        "southindia",
        "switzerlandwest",
        "uaecentral",
        "ukwest",
        "westcentralus",
        "westindia",
        "westus",
    ]
)
LOCATIONS: Final = ZONED | UNZONED
ZONES: Final = ("1", "2", "3")

STORAGE_ZRS: Final = ZONED - {
    "austriaeast",
    "chilecentral",
    "indonesiacentral",
    "japanwest",
    "malaysiawest",
    "newzealandnorth",
}
"""Locations with zone-redundant storage accounts; disks have that redundancy in every location with zones. From "Azure
regions that support zone-redundant storage (ZRS)" and "Deploy a disk that uses zone-redundant storage"."""
STANDBY_BLOCKED: Final = frozenset(
    [
        "brazilsouth",
        "centralindia",
        "eastasia",
        "eastus",
        "eastus2",
        "germanywestcentral",
        "mexicocentral",
        "northeurope",
        "qatarcentral",
        "southcentralus",
        "southeastasia",
        "westeurope",
        "westus2",
    ]
)
"""Locations with zones where new servers of PostgreSQL get no standby in another zone, "temporarily":
azure-databases-docs, articles/postgresql/includes/regions-table.md, 22 December 2025."""
STANDBY_NONE: Final = frozenset(["japanwest"])
"""Locations with zones that PostgreSQL does not use; same source."""
DATABASE_COPIES_NONE: Final = frozenset(
    [
        "austriaeast",
        "brazilsouth",
        "brazilsoutheast",
        "chilecentral",
        "indonesiacentral",
        "israelcentral",
        "italynorth",
        "malaysiawest",
        "mexicocentral",
        "newzealandnorth",
        "polandcentral",
        "qatarcentral",
        "spaincentral",
        "westus3",
    ]
)
"""Locations where PostgreSQL copies no backups to a paired one; same source."""

ROLES: Final = {
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635": "Owner",
    "b24988ac-6180-42a0-ab88-20f7382dd24c": "Contributor",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9": "User Access Administrator",
    "4d97b98b-1d4f-4787-a291-c67834d212e7": "Network Contributor",
    "b12aa53e-6015-4669-85d0-8515ebb3ae7f": "Private DNS Zone Contributor",
    "9980e02c-c2be-4d73-94e8-173b1dc7cf3c": "Virtual Machine Contributor",
    "f1a07417-d97a-45cb-824c-7a7467783830": "Managed Identity Operator",
    "17d1049b-9a84-46fb-8f53-869881c3d3ab": "Storage Account Contributor",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": "Storage Blob Data Contributor",
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": "Storage Blob Data Reader",
    "0c867c2a-1d8c-454a-a3db-ab2ea1bdc8bb": "Storage File Data SMB Share Contributor",
    "b50d9833-a0cb-478e-945f-707fcc997c13": "Disk Restore Operator",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8": "Azure Kubernetes Service Cluster Admin Role",
    "4abbcc35-e782-43d8-92c5-2d3f1bd2253f": "Azure Kubernetes Service Cluster User Role",
    "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b": "Azure Kubernetes Service RBAC Cluster Admin",
    "3498e952-d568-435e-9b2c-8d77e338d7f7": "Azure Kubernetes Service RBAC Admin",
    "a7ffa36f-339b-4b5c-8bdf-e2c188b2c0eb": "Azure Kubernetes Service RBAC Writer",
}
"""Built-in roles by the UUID at the end of a role definition's id."""

_SIZE: Final = re.compile(r"Standard_(?P<family>[A-Z]+)(?P<number>\d+)(-\d+)?(?P<features>[a-z]*)(_v(?P<version>\d))?")
_GIB_PER_CPU: Final = {"B": 4, "D": 4, "DC": 4, "DS": 3.5, "E": 8, "EC": 8, "F": 2, "L": 8, "M": 14}
_DS_V2: Final = {1: 1, 2: 2, 3: 4, 4: 8, 5: 16, 11: 2, 12: 4, 13: 8, 14: 16, 15: 20}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A size of virtual machines."""

    cpus: int
    memory_gib: float
    local_disk_gib: float
    """The larger of its cache and its temporary disk, which limits an ephemeral OS disk."""
    premium_disks: bool
    """Whether premium disks can be attached."""


def machine(size: str) -> Machine | None:
    """The machine of this size, or None; only families for node pools."""
    match = _SIZE.fullmatch(size)
    if match is None or match["family"] not in _GIB_PER_CPU:
        return None
    family, number, features = match["family"], int(match["number"]), match["features"]
    version = int(match["version"] or 1)
    cpus = _DS_V2.get(number, 0) if family == "DS" else number
    if cpus == 0 or (family == "DS" and (version != 2 or features)):
        return None
    if family in ("D", "E") and version < 3:
        return None
    per_cpu = _GIB_PER_CPU[family]
    if family == "B" and "m" not in features and version == 1:
        per_cpu = {"ls": 0.5}.get(features, 2)
    return Machine(
        cpus=cpus,
        memory_gib=cpus * per_cpu,
        local_disk_gib=cpus * _local_disk_gib_per_cpu(family, version, "d" in features),
        premium_disks="s" in features or family == "DS",
    )


def _local_disk_gib_per_cpu(family: str, version: int, has_disk: bool) -> float:
    if family == "DS":
        return 43
    if family == "B":
        return 0
    if version <= 3:
        return 25
    return (55 if version >= 6 else 37.5) if has_disk else 0


@dataclass(frozen=True, kw_only=True)
class DatabaseSize:
    """A compute size of PostgreSQL Flexible Server."""

    tier: str
    cpus: int
    max_connections: int
    """The default of `max_connections`; 15 of them are the service's own."""


_BURSTABLE: Final = {"B1ms": 50, "B2s": 429, "B2ms": 859, "B4ms": 1718, "B8ms": 3437, "B12ms": 5000, "B16ms": 5000}
_BURSTABLE_CPUS: Final = {"B1ms": 1, "B2s": 2, "B2ms": 2, "B4ms": 4, "B8ms": 8, "B12ms": 12, "B16ms": 16}
_DATABASE_CPUS: Final = {"D": (2, 4, 8, 16, 32, 48, 64, 96), "E": (2, 4, 8, 16, 20, 32, 48, 64, 96)}
_DATABASE_SERIES: Final = ("s_v3", "ds_v4", "ds_v5", "ads_v5")


def database_size(name: str) -> DatabaseSize | None:
    """The compute size with this name, or None."""
    short = name.removeprefix("Standard_")
    if name == short:
        return None
    if short in _BURSTABLE:
        return DatabaseSize(tier="Burstable", cpus=_BURSTABLE_CPUS[short], max_connections=_BURSTABLE[short])
    match = re.fullmatch(r"(?P<family>[DE])(?P<cpus>\d+)(?P<series>\w+)", short)
    if match is None or match["series"] not in _DATABASE_SERIES:
        return None
    family, cpus = match["family"], int(match["cpus"])
    if cpus not in _DATABASE_CPUS[family]:
        return None
    per_cpu = 429.5 if family == "D" else 859
    return DatabaseSize(
        tier="GeneralPurpose" if family == "D" else "MemoryOptimized",
        cpus=cpus,
        max_connections=min(5000, int(per_cpu * cpus)),
    )


DATABASE_DISK_GIB: Final = (32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16384, 32767)
"""Sizes of a Premium SSD of Flexible Server."""
KUBERNETES_VERSIONS: Final = {
    "1.32": "1.32.9",
    "1.33": "1.33.5",
    "1.34": "1.34.1",
    "1.35": "1.35.1",
    "1.36": "1.36.1",
    "1.37": "1.37.1",
}
"""Supported minor versions and their newest patch."""
DEFAULT_KUBERNETES: Final = "1.33"
