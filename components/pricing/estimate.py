"""`price_of`: the monthly list price of a stack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from components.pricing import azure, catalogue, gcp
from components.pricing.catalogue import UNITS_A_MONTH, Catalogue, ListPrice
from components.pricing.items import Item, Usage
from components.pricing.price import Price, PricedLine, PriceError
from components.settings.azure.cloud import AzureCloud
from components.settings.existing.cloud import ExistingCluster
from components.settings.gcp.cloud import GcpCloud
from components.settings.stack import Settings

EXISTING: Final = (
    "the existing cluster with its nodes, volumes and network: it is not a part of this stack",
    "an external database",
)


def summary_of(settings: Settings) -> str:
    """The price of a stack in words, for an output, or the reason why it is unknown."""
    try:
        return price_of(settings).summary(hint="; see `python -m operations price`")
    except PriceError as error:
        return f"unknown: {error}"


def price_of(settings: Settings) -> Price:
    """The monthly list price of a stack, at the minimum and at the maximum of node autoscaling.

    Reads the price lists of this repository and no network. A month has 730 hours. Discounts, taxes, credits and
    free quotas are not considered.

    Raises:
        PriceError: the list has no prices of the stack's region.
    """
    match settings.cloud:
        case ExistingCluster():
            return Price(lines=(), not_priced=EXISTING)
        case GcpCloud() as cloud:
            prices = catalogue.load("gcp", cloud.region)
            return _price(prices, gcp.items(cloud, settings), gcp.usages(cloud, settings))
        case AzureCloud() as cloud:
            prices = catalogue.load("azure", cloud.region)
            return _price(prices, azure.items(cloud, settings), azure.usages(cloud, settings))


def _price(prices: Catalogue, items: Iterable[Item], usages: Iterable[Usage]) -> Price:
    lines: list[PricedLine] = []
    unknown: list[str] = []
    used: list[date] = []
    for entry in items:
        item = _limited(entry, prices.prices)
        if missing := [sku for sku in item.skus if sku not in prices.prices]:
            unknown.append(f"{item.resource} ({item.detail}): no list price of {', '.join(missing)}")
            continue
        lines.append(_line(item, prices.prices))
        used.extend(prices.prices[sku].as_of for sku in item.skus)
    return Price(
        lines=tuple(lines),
        not_priced=tuple(_texts(usages, prices.prices)),
        unknown=tuple(unknown),
        as_of=min(used, default=None),
        region=prices.region,
    )


def _limited(item: Item, prices: Mapping[str, ListPrice]) -> Item:
    """The item, with the SKUs of its limit if the list has only those."""
    if not item.limit or prices.keys() >= item.skus.keys() or not prices.keys() >= item.limit.keys():
        return item
    return replace(item, skus=item.limit, detail=f"{item.detail}: at most, the price of standard nodes")


def _line(item: Item, prices: Mapping[str, ListPrice]) -> PricedLine:
    """A priced item.

    Raises:
        ValueError: its SKUs have different units.
    """
    [unit] = {prices[sku].unit for sku in item.skus}
    return PricedLine(
        resource=item.resource,
        detail=item.detail,
        quantity_min=item.quantity_min,
        quantity_max=item.quantity_max,
        unit=f"{item.unit}-{unit}",
        unit_price=sum(amount * prices[sku].usd for sku, amount in item.skus.items()),
        units_a_month=UNITS_A_MONTH[unit],
    )


def _texts(usages: Iterable[Usage], prices: Mapping[str, ListPrice]) -> Iterator[str]:
    for usage in usages:
        row = prices.get(usage.sku) if usage.sku is not None else None
        yield usage.text if row is None else f"{usage.text}: ${row.usd:g} a GiB"
