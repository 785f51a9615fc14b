"""Prices follow from settings and lists: what changes them, and what is said when the list lacks something."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from components.pricing import catalogue, estimate
from components.pricing.estimate import price_of, summary_of
from components.pricing.price import Price, PriceError
from tests.unit.pricing.stacks import SHIPPED, settings


def amounts(price: Price) -> dict[str, tuple[float, float]]:
    """Monthly minimum and maximum of each line."""
    return {line.resource: (line.monthly_min, line.monthly_max) for line in price.lines}


@pytest.mark.parametrize(("stack", "pool"), [("dev", "system_nodes"), ("prod", "airflow_nodes")])
def test_a_higher_maximum_of_nodes_changes_the_maximum_alone(stack: str, pool: str) -> None:
    before = price_of(settings(SHIPPED[stack]))
    after = price_of(settings(SHIPPED[stack], **{f"cloud__cluster__{pool}__nodes_max": 20}))
    assert after.monthly_min == pytest.approx(before.monthly_min)
    assert after.monthly_max > before.monthly_max


@pytest.mark.parametrize(("stack", "pool"), [("dev", "system_nodes"), ("prod", "airflow_nodes")])
def test_a_higher_minimum_of_nodes_changes_the_minimum_alone(stack: str, pool: str) -> None:
    before = price_of(settings(SHIPPED[stack]))
    after = price_of(settings(SHIPPED[stack], **{f"cloud__cluster__{pool}__nodes_min": 3}))
    assert after.monthly_max == pytest.approx(before.monthly_max)
    assert (after.monthly_min > before.monthly_min) == (stack == "dev"), "prod has a minimum of 3"


def test_nodes_of_google_cloud_are_counted_in_each_zone() -> None:
    one = price_of(settings(SHIPPED["dev"]))
    three = price_of(settings(SHIPPED["dev"], cloud__zones=["b", "c", "d"]))
    for resource in ("system nodes", "disks of system nodes", "NAT gateway"):
        assert amounts(three)[resource] == pytest.approx([3 * value for value in amounts(one)[resource]])


def test_a_standby_doubles_server_and_disk() -> None:
    single = amounts(price_of(settings(SHIPPED["gcp-kubernetes"], cloud__database__high_availability=False)))
    double = amounts(price_of(settings(SHIPPED["gcp-kubernetes"])))
    for resource in ("database server", "database disk"):
        assert double[resource] == pytest.approx([2 * value for value in single[resource]])


def test_a_region_that_the_list_lacks_is_one_error_with_a_remedy() -> None:
    elsewhere = settings(SHIPPED["dev"], cloud__region="asia-east1", cloud__zones=["a"])
    with pytest.raises(PriceError) as refused:
        price_of(elsewhere)
    assert str(refused.value) == (
        "The price list of gcp has no prices of region 'asia-east1', only of "
        f"{', '.join(catalogue.regions(catalogue.rows('gcp')))}; "
        "add them: python -m operations price-refresh --cloud gcp --region asia-east1"
    )
    assert summary_of(elsewhere) == f"unknown: {refused.value}"


def test_a_resource_without_a_price_is_named_and_makes_the_sum_a_lower_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = price_of(settings(SHIPPED["dev"]))
    full = catalogue.load("gcp", "europe-west1")
    without = {sku: row for sku, row in full.prices.items() if not sku.startswith("e2-vcpu")}
    monkeypatch.setattr(catalogue, "load", lambda *_: dataclasses.replace(full, prices=without))
    price = price_of(settings(SHIPPED["dev"]))
    assert {*price.unknown} - {*whole.unknown} == {"system nodes (e2-standard-4, in 1 zone): no list price of e2-vcpu"}
    assert price.summary().startswith("more than $")
    assert amounts(whole).keys() - amounts(price).keys() == {"system nodes"}


def test_spot_nodes_without_a_price_are_counted_at_the_price_of_standard_nodes() -> None:
    """Spot prices change from day to day; the price of standard nodes is their limit."""
    price = price_of(settings(SHIPPED["azure-celery-kubernetes"]))
    [spot] = [line for line in price.lines if line.resource == "task nodes"]
    [standard] = [line for line in price.lines if line.resource == "system nodes"]
    assert spot.unit_price == standard.unit_price
    assert spot.detail == "Standard_D4ds_v5, spot: at most, the price of standard nodes"


def test_the_date_of_a_sum_is_that_of_its_oldest_price() -> None:
    rows = catalogue.load("azure", "swedencentral").prices
    used = ("vm-Standard_D4ds_v5", "load-balancer", "public-address", "dns-zone", "postgres-Standard_B2s")
    days = {rows[sku].as_of for sku in used}
    assert len(days) > 1
    assert price_of(settings(SHIPPED["azure-celery"])).as_of == min(days)


def test_an_existing_cluster_has_no_list_price_and_does_not_look_free() -> None:
    price = price_of(settings("Pulumi.local.yaml"))
    assert price.lines == ()
    assert price.not_priced == estimate.EXISTING
    assert "$" not in price.summary()


@pytest.mark.parametrize("stack", SHIPPED)
def test_the_summary_names_both_sums_the_date_and_the_region(stack: str) -> None:
    found = settings(SHIPPED[stack])
    price = price_of(found)
    low, high = (f"${round(value):,}" for value in (price.monthly_min, price.monthly_max))
    assert price.as_of is not None
    assert price.summary().removeprefix("more than ") == (
        f"{low} to {high} a month (list prices of {price.as_of:%Y-%m}, {price.region})"
    )
    assert summary_of(found).endswith("; see `python -m operations price`)")


@pytest.mark.parametrize("stack", SHIPPED)
def test_costs_that_depend_on_use_are_listed(stack: str) -> None:
    texts = " ".join(price_of(settings(SHIPPED[stack])).not_priced)
    for cost in ("internet", "task logs", "backups", "taxes"):
        assert cost in texts


def test_a_list_that_cannot_be_read_is_one_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "gcp.csv").write_text("cloud,sku,region,unit,usd,source,as_of\ngcp,x,y,hour,0,z,2026-01-01\n")
    with pytest.raises(PriceError, match=r"x has the price 0, which is not above 0; restore it: git checkout"):
        catalogue.load("gcp", "y", tmp_path)
    with pytest.raises(PriceError, match=r"azure\.csv cannot be read.*restore it"):
        catalogue.load("azure", "y", tmp_path)
