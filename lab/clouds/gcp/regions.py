"""Locations of Google Cloud: regions with their zones, and multi-regions of storage."""

from __future__ import annotations

from typing import Final

_ABC: Final = (
    "africa-south1 asia-east1 asia-east2 asia-northeast1 asia-northeast2 asia-northeast3 asia-south1 asia-south2 "
    "asia-southeast1 asia-southeast2 asia-southeast3 australia-southeast1 australia-southeast2 europe-central2 "
    "europe-north1 europe-north2 europe-southwest1 europe-west2 europe-west3 europe-west4 europe-west6 europe-west8 "
    "europe-west9 europe-west10 europe-west12 me-central1 me-central2 me-west1 northamerica-northeast1 "
    "northamerica-northeast2 northamerica-south1 southamerica-east1 southamerica-west1 us-east4 us-east5 us-south1 "
    "us-west1 us-west2 us-west3 us-west4"
)
ZONES: Final[dict[str, tuple[str, ...]]] = {
    **{region: tuple(f"{region}-{letter}" for letter in "abc") for region in _ABC.split()},
    "us-central1": ("us-central1-a", "us-central1-b", "us-central1-c", "us-central1-f"),
    "us-east1": ("us-east1-b", "us-east1-c", "us-east1-d"),
    "europe-west1": ("europe-west1-b", "europe-west1-c", "europe-west1-d"),
}
"""Zones by region, https://cloud.google.com/compute/docs/regions-zones."""
MULTI_REGIONS: Final = ("US", "EU", "ASIA", "NAM4", "EUR4", "ASIA1")


def region_of(location: str) -> str:
    """The region of a region or zone; "" if there is no such location."""
    if location in ZONES:
        return location
    region = location.rpartition("-")[0]
    return region if location in ZONES.get(region, ()) else ""


def zones_of(location: str) -> tuple[str, ...]:
    """The zones of a region, or the zone itself."""
    return ZONES.get(location, (location,) if region_of(location) else ())
