"""The sizes that file shares of Filestore are sold in."""

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
"""Least and greatest size of each tier's ranges, and the step between two sizes.

https://cloud.google.com/filestore/docs/service-tiers-zonal and .../service-tiers-regional (2026), and the text of
`capacityGb` in pulumi-gcp 10.2. They differ for zonal and regional: by the page of the zonal tier sizes go in steps of
256 GiB from 1 TiB on, by the plugin in steps of 1 GiB from 100 GiB on. What both allow is allowed here. Below 1 TiB a
regional share is made in some regions alone, and only with its performance named as well
(https://github.com/kubernetes-sigs/gcp-filestore-csi-driver/issues/1325, June 2026)."""


def setting_errors(key: str, size_gib: int, tier: Tier) -> Iterator[SettingError]:
    """A size that a tier does not have."""
    ranges = SIZES_GIB[tier]
    least, most = ranges[0][0], ranges[-1][1]
    if size_gib < least:
        # Only one tier costs more by being larger: the others begin at the same size.
        cheaper = ', or airflow:cloud.shares.tier "basic_hdd"' if least > SMALL_CAPACITY[0] else ""
        rule, remedy = f"is below {least}, the least that tier {tier!r} of Filestore has", f"use {least}{cheaper}"
    elif size_gib > most:
        rule, remedy = f"is above {most}, the most that tier {tier!r} of Filestore has", f"use at most {most}"
    elif any(low <= size_gib <= high and (size_gib - low) % step == 0 for low, high, step in ranges):
        return
    else:
        below, above = _neighbours(size_gib, tier)
        rule = f"is between two sizes that tier {tier!r} of Filestore has"
        remedy = f"use {below} or {above}"
    yield SettingError(key=key, value=size_gib, rule=rule, remedy=remedy)


def _neighbours(size_gib: int, tier: Tier) -> tuple[int, int]:
    """The next smaller and the next larger size of a tier."""
    sizes = [size for low, high, step in SIZES_GIB[tier] for size in range(low, high + 1, step)]
    return max(size for size in sizes if size < size_gib), min(size for size in sizes if size > size_gib)
