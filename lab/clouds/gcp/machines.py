"""Machine types of Compute Engine and tiers of Cloud SQL, as far as their names describe them."""

from __future__ import annotations

import re
from typing import Final

_FAMILIES: Final = {
    "e2": ("standard", "highmem", "highcpu"),
    "n1": ("standard", "highmem", "highcpu"),
    "n2": ("standard", "highmem", "highcpu"),
    "n2d": ("standard", "highmem", "highcpu"),
    "n4": ("standard", "highmem", "highcpu"),
    "n4a": ("standard", "highmem", "highcpu"),
    "n4d": ("standard", "highmem", "highcpu"),
    "c2": ("standard",),
    "c2d": ("standard", "highmem", "highcpu"),
    "c3": ("standard", "highmem", "highcpu"),
    "c3d": ("standard", "highmem", "highcpu"),
    "c4": ("standard", "highmem", "highcpu"),
    "c4a": ("standard", "highmem", "highcpu"),
    "c4d": ("standard", "highmem", "highcpu"),
    "t2d": ("standard",),
    "t2a": ("standard",),
    "m1": ("ultramem", "megamem"),
    "m3": ("ultramem", "megamem"),
    "m4": ("ultramem", "megamem"),
    "g2": ("standard",),
}
_HYPERDISK_ONLY: Final = frozenset({"c4", "c4a", "c4d", "m4", "n4", "n4a", "n4d"})
"""https://cloud.google.com/compute/docs/disks/persistent-disks, table "Machine series support" (2026)."""
_SIZES: Final = (
    1,
    2,
    4,
    8,
    12,
    16,
    22,
    24,
    30,
    32,
    44,
    48,
    56,
    60,
    64,
    72,
    80,
    88,
    90,
    96,
    112,
    128,
    176,
    180,
    192,
    224,
    360,
)
_SHARED: Final = {"e2-micro": 2, "e2-small": 2, "e2-medium": 2, "f1-micro": 1, "g1-small": 1}
_PLUS: Final = re.compile(r"db-(?:perf-optimized-N|c4a-highmem)-(\d+)")
_CUSTOM: Final = re.compile(r"db-custom-(\d+)-(\d+)")
SHARED_TIERS: Final = ("db-f1-micro", "db-g1-small")


def cpus(machine_type: str) -> int | None:
    """The processors of a machine type; None if there is no such type."""
    if machine_type in _SHARED:
        return _SHARED[machine_type]
    found = re.fullmatch(r"([a-z]\d[a-z]?)-([a-z]+)-(\d+)", machine_type)
    if found is None or found[2] not in _FAMILIES.get(found[1], ()) or int(found[3]) not in _SIZES:
        return None
    return int(found[3])


def disk_problem(machine_type: str, disk_type: str) -> str:
    """The reason why a machine cannot use a disk type; "" if it can.

    The API's message, https://github.com/nextflow-io/nextflow/issues/6614. For a disk that is attached later it has
    another one, https://github.com/astronomer/astronomer/issues/2463.
    """
    if machine_type.partition("-")[0] in _HYPERDISK_ONLY and disk_type.startswith("pd-"):
        return f"{disk_type} disk type cannot be used by {machine_type} machine type."
    return ""


def tier_problem(tier: str, edition: str) -> str:
    """The reason why a tier is not available in an edition of Cloud SQL; "" if it is.

    https://cloud.google.com/sql/docs/postgres/machine-series-overview and .../create-instance#machine-types.
    """
    if edition == "ENTERPRISE_PLUS":
        return "" if _PLUS.fullmatch(tier) else f"Invalid Tier ({tier}) for (ENTERPRISE_PLUS) Edition."
    if tier in SHARED_TIERS:
        return ""
    found = _CUSTOM.fullmatch(tier)
    if found is None:
        return f"Invalid Tier ({tier}) for (ENTERPRISE) Edition."
    processors, mib = int(found[1]), int(found[2])
    if processors > 96 or (processors > 1 and processors % 2):
        return f"Invalid request: Invalid tier {tier}: the number of vCPUs must be 1 or an even number up to 96."
    if mib % 256 or mib < 3840 or not 921.6 * processors <= mib <= 6656 * processors:
        return (
            f"Invalid request: Invalid tier {tier}: memory must be a multiple of 256 MB, at least 3.75 GB, "
            "and from 0.9 to 6.5 GB per vCPU."
        )
    return ""
