"""What Azure has to sell: locations with their zones and pairs, and sizes of PostgreSQL."""

from __future__ import annotations

import re
from typing import Final, Literal

LOCATIONS: Final[dict[str, str]] = {
    "australiacentral": "p",
    "australiacentral2": "p",
    "australiaeast": "zp",
    "australiasoutheast": "p",
    "austriaeast": "z",
    "belgiumcentral": "z",
    "brazilsouth": "zp",
    "brazilsoutheast": "p",
    "canadacentral": "zp",
    "canadaeast": "p",
    "centralindia": "zp",
    "centralus": "zp",
    "chilecentral": "z",
    "denmarkeast": "z",
    "eastasia": "zp",
    "eastus": "zp",
    "eastus2": "zp",
    "francecentral": "zp",
    "francesouth": "p",
    "germanynorth": "p",
    "germanywestcentral": "zp",
    "indonesiacentral": "z",
    "israelcentral": "z",
    "italynorth": "z",
    "japaneast": "zp",
    "japanwest": "zp",
    "jioindiacentral": "p",
    "jioindiawest": "p",
    "koreacentral": "zp",
    "koreasouth": "p",
    "malaysiawest": "z",
    "mexicocentral": "z",
    "newzealandnorth": "z",
    "northcentralus": "p",
    "northeurope": "zp",
    "norwayeast": "zp",
    "norwaywest": "p",
    "polandcentral": "z",
    "qatarcentral": "z",
    "southafricanorth": "zp",
    "southafricawest": "p",
    "southcentralus": "zp",
    "southeastasia": "zp",
    "southindia": "p",
    "spaincentral": "z",
    "swedencentral": "zp",
    "swedensouth": "p",
    "switzerlandnorth": "zp",
    "switzerlandwest": "p",
    "uaecentral": "p",
    "uaenorth": "zp",
    "uksouth": "zp",
    "ukwest": "p",
    "westcentralus": "p",
    "westeurope": "zp",
    "westindia": "p",
    "westus": "p",
    "westus2": "zp",
    "westus3": "zp",
}
"""z: has availability zones; p: has a paired location that backups can be copied to,
https://learn.microsoft.com/azure/reliability/regions-list."""
ZONES: Final = ("1", "2", "3")

BURSTABLE_GIB: Final = {"1ms": 2, "2s": 4, "2ms": 8, "4ms": 16, "8ms": 32, "12ms": 48, "16ms": 64, "20ms": 80}
"""Memory of the burstable sizes of PostgreSQL, https://learn.microsoft.com/azure/postgresql/compute-storage/concepts-compute."""
GIB_PER_CPU: Final = {"D": 4, "E": 8}
DATABASE_CPUS: Final = {"D": (2, 4, 8, 16, 32, 48, 64, 96), "E": (2, 4, 8, 16, 20, 32, 48, 64, 96)}
DATABASE_SIZE: Final = re.compile(
    r"Standard_(?:B(?P<burstable>\d+m?s)|(?P<family>[DE])(?P<cpus>\d+)(?:s_v3|a?ds_v[45]))"
)
DATABASE_DISKS_GIB: Final = (32, 64, 128, 256, 512, 1024, 2048, 4095, 4096, 8192, 16_384, 32_767)
"""Sizes of the Premium SSD of PostgreSQL, https://learn.microsoft.com/azure/postgresql/extensions/concepts-storage."""
CONNECTIONS_PER_GIB: Final = 107.43
CONNECTIONS_MAX: Final = 5000
SMALL_GIB: Final = 2
SMALL_CONNECTIONS: Final = 50
OWN_CONNECTIONS: Final = 15
"""What the server keeps for its own work, https://learn.microsoft.com/azure/postgresql/configure-maintain/concepts-limits."""

Tier = Literal["Burstable", "GeneralPurpose", "MemoryOptimized"]
TIERS: Final[dict[str, Tier]] = {"B": "Burstable", "D": "GeneralPurpose", "E": "MemoryOptimized"}

DISK_SIZES: Final = re.compile(r"Standard_[A-Z]+\d+(?:-\d+)?[a-z]*d[a-z]*(?:_[A-Z]\w*)?_v\d+")
"""Machine sizes with a local disk, which hold a system disk that costs nothing and is fast."""


def has_zones(location: str) -> bool:
    """Whether a known location has availability zones."""
    return "z" in LOCATIONS[location]


def has_pair(location: str) -> bool:
    """Whether a known location has a pair that backups can be copied to."""
    return "p" in LOCATIONS[location]


def is_database_size(size: str) -> bool:
    """Whether PostgreSQL is sold in this size."""
    match = DATABASE_SIZE.fullmatch(size)
    if match is None:
        return False
    if match["burstable"]:
        return match["burstable"] in BURSTABLE_GIB
    return int(match["cpus"]) in DATABASE_CPUS[match["family"]]


def tier(size: str) -> Tier:
    """The tier that a size of PostgreSQL belongs to."""
    return TIERS[size.removeprefix("Standard_")[0]]


def max_connections(size: str) -> int:
    """How many connections a server of this size takes, without those that it keeps for itself.

    Raises:
        ValueError: PostgreSQL is not sold in this size.
    """
    match = DATABASE_SIZE.fullmatch(size)
    if match is None or not is_database_size(size):
        raise ValueError(f"{size} is no size of PostgreSQL")
    gib = BURSTABLE_GIB[match["burstable"]] if match["burstable"] else int(match["cpus"]) * GIB_PER_CPU[match["family"]]
    whole = SMALL_CONNECTIONS if gib <= SMALL_GIB else min(CONNECTIONS_MAX, int(gib * CONNECTIONS_PER_GIB))
    return whole - OWN_CONNECTIONS
