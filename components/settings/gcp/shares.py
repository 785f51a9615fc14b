"""Available sizes of Filestore file shares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from components.settings.errors import SettingError

Tier = Literal["basic_hdd", "basic_ssd", "zonal", "regional", "enterprise"]
SMALL_CAPACITY: Final = (1024, 9984, 256)
LARGE_CAPACITY: Final = (10_240, 102_400, 2560)
SIZES_GIB: Final[dict[Tier, tuple[tuple[int, int, int], ...]]] = {
    "basic_hdd": ((1024, 65_433, 1),),
    "basic_ssd": ((2560, 65_433, 1),),
    "zonal": (SMALL_CAPACITY, LARGE_CAPACITY),
    "regional": (SMALL_CAPACITY, LARGE_CAPACITY),
    "enterprise": ((1024, 10_240, 256),),
}
"""Minimum and maximum of each tier's ranges of sizes, and the step between two sizes.

https://cloud.google.com/filestore/docs/service-tiers-zonal and .../service-tiers-regional (2026), and the text of
`capacityGb` in pulumi-gcp 10.2. They differ for zonal and regional: by the page of the zonal tier, sizes start
at 1 TiB in steps of 256 GiB, by the plugin at 100 GiB in steps of 1 GiB. Sizes that both allow are allowed here. Below
1 TiB a regional share is available in some regions only, and only with its performance set too
(https://github.com/kubernetes-sigs/gcp-filestore-csi-driver/issues/1325, June 2026)."""


def setting_errors(key: str, size_gib: int, tier: Tier) -> Iterator[SettingError]:
    """Errors of a size that a tier does not offer."""
    ranges = SIZES_GIB[tier]
    least, most = ranges[0][0], ranges[-1][1]
    if size_gib < least:
        # Only one tier has a larger minimum: the others have the same.
        cheaper = ', or airflow:cloud.shares.tier "basic_hdd"' if least > SMALL_CAPACITY[0] else ""
        rule, remedy = f"is below {least}, the minimum of Filestore tier {tier!r}", f"use {least}{cheaper}"
    elif size_gib > most:
        rule, remedy = f"is above {most}, the maximum of Filestore tier {tier!r}", f"use at most {most}"
    elif any(low <= size_gib <= high and (size_gib - low) % step == 0 for low, high, step in ranges):
        return
    else:
        below, above = _neighbours(size_gib, tier)
        rule = f"is between two sizes of Filestore tier {tier!r}"
        remedy = f"use {below} or {above}"
    yield SettingError(key=key, value=size_gib, rule=rule, remedy=remedy)


def _neighbours(size_gib: int, tier: Tier) -> tuple[int, int]:
    """The next smaller and the next larger size of a tier."""
    sizes = [size for low, high, step in SIZES_GIB[tier] for size in range(low, high + 1, step)]
    return max(size for size in sizes if size < size_gib), min(size for size in sizes if size > size_gib)
