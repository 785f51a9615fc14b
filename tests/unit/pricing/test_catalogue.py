"""Each row of the price lists has a source, a date and a region of its cloud."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime

import pytest

from components.pricing import catalogue
from components.pricing.catalogue import EVERY_REGION, ListPrice
from components.settings.azure.catalogue import REGIONS
from components.settings.gcp.regions import ZONES

CLOUDS = {"gcp": ZONES, "azure": REGIONS}
SOURCE = re.compile(r"github\.com/[\w.-]+/[\w.-]+ \S+.*|https://\S+.*")


@pytest.fixture(params=CLOUDS)
def rows(request: pytest.FixtureRequest) -> list[ListPrice]:
    return catalogue.rows(request.param)


def test_every_row_is_of_its_cloud_and_of_a_region_that_it_has(rows: list[ListPrice]) -> None:
    [cloud] = {row.cloud for row in rows}
    assert [row for row in rows if row.region not in {*CLOUDS[cloud], EVERY_REGION}] == []


def test_every_row_names_its_source_and_a_day_that_was(rows: list[ListPrice]) -> None:
    today = datetime.now(tz=UTC).date()
    assert [row for row in rows if not SOURCE.fullmatch(row.source)] == []
    assert [row for row in rows if not date(2024, 1, 1) <= row.as_of <= today] == []


def test_no_price_is_there_twice(rows: list[ListPrice]) -> None:
    counted = Counter((row.sku, row.region) for row in rows)
    assert [key for key, count in counted.items() if count > 1] == []


def test_a_size_costs_at_least_as_much_as_a_smaller_one_of_its_series(rows: list[ListPrice]) -> None:
    """A price with a Windows licence among Linux prices would break the ladder."""
    ladders: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in rows:
        if found := re.fullmatch(r"vm-Standard_([A-Z])(\d+)(\w*)", row.sku):
            ladders.setdefault((row.region, found[1] + found[3]), []).append((int(found[2]), row.usd / int(found[2])))
    offenders = [
        (series, size)
        for series, sizes in ladders.items()
        for size, by_cpu in sizes
        if by_cpu > 1.1 * min(price for _, price in sizes)
    ]
    assert offenders == []
