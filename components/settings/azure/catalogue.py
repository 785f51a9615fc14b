"""Catalogue of Azure: regions with zones and pairs, and sizes of PostgreSQL."""

from __future__ import annotations

import re
from typing import Final, Literal

REGIONS: Final[dict[str, str]] = {
    "australiacentral": "pb",
    "australiacentral2": "p",
    "australiaeast": "zpshb",
    "australiasoutheast": "pb",
    "austriaeast": "zh",
    "belgiumcentral": "zh",
    "brazilsouth": "zps",
    "brazilsoutheast": "p",
    "canadacentral": "zpshb",
    "canadaeast": "pb",
    "centralindia": "zpsb",
    "centralus": "zpshb",
    "chilecentral": "zh",
    "denmarkeast": "z",
    "eastasia": "zpsb",
    "eastus": "zpsb",
    "eastus2": "zpsb",
    "francecentral": "zpshb",
    "francesouth": "pb",
    "germanynorth": "pb",
    "germanywestcentral": "zpsb",
    "indonesiacentral": "zh",
    "israelcentral": "zsh",
    "italynorth": "zsh",
    "japaneast": "zpshb",
    "japanwest": "zpb",
    "jioindiacentral": "pb",
    "jioindiawest": "pb",
    "koreacentral": "zpshb",
    "koreasouth": "pb",
    "malaysiawest": "zh",
    "mexicocentral": "zs",
    "newzealandnorth": "zh",
    "northcentralus": "pb",
    "northeurope": "zpsb",
    "norwayeast": "zpshb",
    "norwaywest": "pb",
    "polandcentral": "zsh",
    "qatarcentral": "zs",
    "southafricanorth": "zpshb",
    "southafricawest": "pb",
    "southcentralus": "zpsb",
    "southeastasia": "zpsb",
    "southindia": "pb",
    "spaincentral": "zsh",
    "swedencentral": "zpshb",
    "swedensouth": "p",
    "switzerlandnorth": "zpshb",
    "switzerlandwest": "pb",
    "uaecentral": "pb",
    "uaenorth": "zpshb",
    "uksouth": "zpshb",
    "ukwest": "pb",
    "westcentralus": "pb",
    "westeurope": "zpsb",
    "westindia": "p",
    "westus": "pb",
    "westus2": "zpsb",
    "westus3": "zpsh",
}
"""Features of each region; a feature that its page does not list counts as missing.

z: availability zones; p: a paired region, https://learn.microsoft.com/azure/reliability/regions-list.
s: zone-redundant storage accounts, https://learn.microsoft.com/azure/storage/common/redundancy-regions-zrs (disks have
that redundancy wherever there are zones, https://learn.microsoft.com/azure/virtual-machines/disks-deploy-zrs).
h: a standby of PostgreSQL in another zone for new servers; b: copies of its backups in the paired region. Both from
https://learn.microsoft.com/azure/postgresql/overview-postgres-regions as of 22 December 2025, where some regions with
zones are marked "new zone-redundant HA deployments are temporarily blocked": westeurope, northeurope and eastus too.
"""
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
"""Connections reserved for the server, https://learn.microsoft.com/azure/postgresql/configure-maintain/concepts-limits."""

Tier = Literal["Burstable", "GeneralPurpose", "MemoryOptimized"]
TIERS: Final[dict[str, Tier]] = {"B": "Burstable", "D": "GeneralPurpose", "E": "MemoryOptimized"}

DISK_SIZES: Final = re.compile(r"Standard_[A-Z]+\d+(?:-\d+)?[a-z]*d[a-z]*(?:_[A-Z]\w*)?_v\d+")
"""Machine sizes with a local disk, which can be a fast system disk without a price."""


def has_zones(region: str) -> bool:
    """Whether a known region has availability zones."""
    return "z" in REGIONS[region]


def has_pair(region: str) -> bool:
    """Whether a known region has a pair that storage accounts are copied to."""
    return "p" in REGIONS[region]


def has_zone_redundant_storage(region: str) -> bool:
    """Whether storage accounts in a known region can keep copies in three zones."""
    return "s" in REGIONS[region]


def has_database_standby(region: str) -> bool:
    """Whether a new PostgreSQL server in a known region can have a standby in another zone."""
    return "h" in REGIONS[region]


def has_database_copies(region: str) -> bool:
    """Whether PostgreSQL in a known region copies backups to the paired one."""
    return "b" in REGIONS[region]


def is_database_size(size: str) -> bool:
    """Whether PostgreSQL is offered in this size."""
    match = DATABASE_SIZE.fullmatch(size)
    if match is None:
        return False
    if match["burstable"]:
        return match["burstable"] in BURSTABLE_GIB
    return int(match["cpus"]) in DATABASE_CPUS[match["family"]]


def tier(size: str) -> Tier:
    """The tier of a size of PostgreSQL."""
    return TIERS[size.removeprefix("Standard_")[0]]


def max_connections(size: str) -> int:
    """Maximum number of connections of a server of this size, its own reserve subtracted.

    Raises:
        ValueError: PostgreSQL is not offered in this size.
    """
    match = DATABASE_SIZE.fullmatch(size)
    if match is None or not is_database_size(size):
        raise ValueError(f"{size} is not a size of PostgreSQL")
    gib = BURSTABLE_GIB[match["burstable"]] if match["burstable"] else int(match["cpus"]) * GIB_PER_CPU[match["family"]]
    whole = SMALL_CONNECTIONS if gib <= SMALL_GIB else min(CONNECTIONS_MAX, int(gib * CONNECTIONS_PER_GIB))
    return whole - OWN_CONNECTIONS
