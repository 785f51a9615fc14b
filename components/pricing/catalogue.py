"""Price lists: a CSV file for each cloud, with region, source and date of every price."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from components.pricing.price import HOURS_A_MONTH, PriceError

FOLDER: Final = Path(__file__).parent / "prices"
COLUMNS: Final = ("cloud", "sku", "region", "unit", "usd", "source", "as_of")
EVERY_REGION: Final = "*"
"""Region of a price that is the same in all regions of the cloud."""
UNITS_A_MONTH: Final[Mapping[str, float]] = {
    "hour": HOURS_A_MONTH,
    "day": HOURS_A_MONTH / 24,
    "month": 1,
    "GiB": 1,
}
"""Number of billed units in a month, by unit; `GiB` is the unit of costs that depend on use."""


@dataclass(frozen=True, kw_only=True)
class ListPrice:
    """One row of a price list."""

    cloud: str
    sku: str
    region: str
    unit: str
    """A key of UNITS_A_MONTH: the price of an SKU for one hour, day or month, or for one GiB that is used."""
    usd: float
    source: str
    """Where the price was read: an address, or a repository with its file."""
    as_of: date
    """Day on which the source had this price."""


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    """The list prices of one region."""

    region: str
    prices: Mapping[str, ListPrice]
    """By SKU."""


def rows(cloud: str, folder: Path = FOLDER) -> list[ListPrice]:
    """All rows of a cloud's price list.

    Raises:
        PriceError: the file is missing, or a row has another form.
    """
    path = folder / f"{cloud}.csv"
    try:
        with path.open(newline="") as file:
            return [_row(entry) for entry in csv.DictReader(file)]
    except (OSError, KeyError, TypeError, ValueError) as error:
        remedy = "restore it: git checkout -- components/pricing/prices"
        raise PriceError(f"The price list {path.name} cannot be read: {error}; {remedy}.") from None


def _row(entry: Mapping[str, str]) -> ListPrice:
    usd = float(entry["usd"])
    if usd <= 0:
        raise ValueError(f"{entry['sku']} has the price {entry['usd']}, which is not above 0")
    if entry["unit"] not in UNITS_A_MONTH:
        raise ValueError(f"{entry['sku']} has the unit {entry['unit']!r}, which is none of {', '.join(UNITS_A_MONTH)}")
    return ListPrice(
        cloud=entry["cloud"],
        sku=entry["sku"],
        region=entry["region"],
        unit=entry["unit"],
        usd=usd,
        source=entry["source"],
        as_of=date.fromisoformat(entry["as_of"]),
    )


def regions(found: Sequence[ListPrice]) -> list[str]:
    """The regions that a list has prices of."""
    return sorted({row.region for row in found} - {EVERY_REGION})


def load(cloud: str, region: str, folder: Path = FOLDER) -> Catalogue:
    """The list prices of one region of a cloud.

    Raises:
        PriceError: the list has no prices of the region, or cannot be read.
    """
    found = rows(cloud, folder)
    if region not in (known := regions(found)):
        raise PriceError(
            f"The price list of {cloud} has no prices of region {region!r}, only of {', '.join(known)}; "
            f"add them: python -m operations price-refresh --cloud {cloud} --region {region}"
        )
    prices = {row.sku: row for row in found if row.region == EVERY_REGION}
    return Catalogue(region=region, prices={**prices, **{row.sku: row for row in found if row.region == region}})
