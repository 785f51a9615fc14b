"""The figures of docs/cost.md are those that the command `price` prints."""

from __future__ import annotations

import pytest

from components.pricing import catalogue
from components.pricing.estimate import price_of
from tests.unit.pricing.stacks import SHIPPED, settings
from tests.unit.recording.stacks import ROOT

PAGE = (ROOT / "docs/cost.md").read_text()
COMPOSER_MIN, COMPOSER_MAX = 300, 400
"""The smallest Cloud Composer environment, USD a month; its source is in the page."""
ZONAL_CLUSTER = 73.0
"""Management fee of a zonal cluster, which Google credits for one cluster of a billing account."""


def dollars(value: float) -> str:
    return f"${round(value):,}"


@pytest.mark.parametrize("stack", SHIPPED)
def test_a_stack_has_its_row(stack: str) -> None:
    price = price_of(settings(SHIPPED[stack]))
    without = ", ".join(text.partition(" (")[0] for text in price.unknown)
    cells = (f"`{SHIPPED[stack]}`", price.region, dollars(price.monthly_min), dollars(price.monthly_max), without)
    assert f"| {' | '.join(cells)} |".replace(" |  |", " | |") in PAGE.splitlines()


def test_the_comparison_with_composer_is_true() -> None:
    dev = price_of(settings(SHIPPED["dev"]))
    assert dev.monthly_min - ZONAL_CLUSTER < COMPOSER_MIN / 2 < dev.monthly_min
    assert f"costs {dollars(dev.monthly_min)} at the minimum" in PAGE
    assert f"costs {dollars(dev.monthly_min - ZONAL_CLUSTER)}, which is less than half" in PAGE
    assert f"| {COMPOSER_MIN} to {COMPOSER_MAX}, idle |" in PAGE


def test_the_page_names_every_region_of_the_lists() -> None:
    for cloud in ("gcp", "azure"):
        assert [region for region in catalogue.regions(catalogue.rows(cloud)) if region not in PAGE] == []


def test_the_difference_of_the_outbound_kinds_is_that_of_the_lists() -> None:
    nat = price_of(settings(SHIPPED["prod"]))
    balancer = price_of(settings(SHIPPED["prod"], cloud__network__outbound="load_balancer"))
    assert balancer.monthly_min - nat.monthly_min == pytest.approx(18.25 - 32.85)
    assert "$32.85 less for the NAT gateway, $18.25 more for the load balancer" in PAGE
