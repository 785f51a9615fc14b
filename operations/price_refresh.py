"""The command `price-refresh`: prices of a region, from the cloud's own API, into the price lists."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from components.pricing import catalogue
from components.pricing.catalogue import COLUMNS, EVERY_REGION, FOLDER, ListPrice
from components.pricing.price import PriceError
from operations import billing_catalogue, retail_prices
from operations.errors import OperationError


def run(*, cloud: str, region: str | None, api: str | None, folder: Path = FOLDER) -> int:
    """Renew the prices of a region, or of all regions of a list, and return the exit code.

    Prices that the API does not have keep their row, source and date.

    Args:
        cloud: `azure` or `gcp`.
        region: the region to add or renew; None: all regions that the list has.
        api: address of the API; None: the cloud's own.
        folder: the folder with the lists.

    Raises:
        OperationError: the API does not answer, or has no prices of the region; the list is as it was.
    """
    today = datetime.now(tz=UTC).date()
    try:
        known = catalogue.rows(cloud, folder)
    except PriceError as error:
        raise OperationError(str(error)) from None
    source = retail_prices if cloud == "azure" else billing_catalogue
    regions = [region] if region is not None else catalogue.regions(known)
    found = [row for place in regions for row in source.fetch(place, today=today, url=api or source.URL)]
    before = {(row.sku, row.region): row for row in known}
    after = {**before, **{(row.sku, row.region): row for row in found}}
    (folder / f"{cloud}.csv").write_text(_text(list(after.values())))
    new = len(after.keys() - before.keys())
    changed = sum(row.usd != before[key].usd for key, row in after.items() if key in before)
    kept = sum(row.region in {*regions, EVERY_REGION} for row in after.values() if row.as_of != today)
    print(f"{cloud}.csv, {', '.join(regions)}: {len(found)} prices found, {new} new, {changed} changed, {kept} kept.")
    return 0


def _text(rows: Sequence[ListPrice]) -> str:
    """A price list as text, sorted, so that a difference shows what changed."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda row: (row.region, row.sku)):
        usd = f"{row.usd:.9f}".rstrip("0").rstrip(".")
        writer.writerow((row.cloud, row.sku, row.region, row.unit, usd, row.source, row.as_of.isoformat()))
    return text.getvalue()
