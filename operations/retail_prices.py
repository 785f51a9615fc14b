"""List prices of Azure, from the Azure Retail Prices API, which needs no login.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from components.pricing.azure import DISK_LETTERS, DISK_NUMBERS
from components.pricing.catalogue import EVERY_REGION, ListPrice
from operations import price_lists
from operations.errors import OperationError

URL: Final = "https://prices.azure.com/api/retail/prices"
GLOBAL: Final = "Global"
"""Region of meters with one price everywhere."""
UNITS: Final = {"1 Hour": "hour", "1/Day": "day", "1/Month": "month"}
BY_GIB: Final = ("1 GB", "1 GB/Month", "1 GiB/Month")
MACHINE: Final = re.compile(r"Standard_[BDEF]\d+[a-z]*(_v\d+)?")
"""Sizes whose prices are kept: families for general use."""
POSTGRES_SERIES: Final = re.compile(
    r"Azure Database for PostgreSQL Flexible Server (?:General Purpose|Memory Optimized) ([DE])(s|a?ds)(v\d) "
    r"Series Compute"
)
POSTGRES_BURSTABLE: Final = "Azure Database for PostgreSQL Flexible Server Burstable BS Series Compute"
SERVICES: Final = (
    "Virtual Machines",
    "Azure Database for PostgreSQL",
    "Azure Kubernetes Service",
    "Container Registry",
    "Storage",
    "Virtual Network",
    "Log Analytics",
    "NAT Gateway",
)
GLOBAL_SERVICES: Final = ("Load Balancer",)


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A meter that has one price in a region, by the names that the API gives it."""

    sku: str
    unit: str
    product: str
    sku_name: str
    name: str


def _meters() -> Iterator[Meter]:
    """The meters with a price for themselves: everything but machines and servers."""
    aks = "Azure Kubernetes Service"
    yield Meter(sku="aks-standard", unit="hour", product=aks, sku_name="Standard", name="Standard Uptime SLA")
    yield Meter(sku="aks-premium", unit="hour", product=aks, sku_name="Standard", name="Standard Long Term Support")
    for tier in ("Basic", "Standard", "Premium"):
        yield Meter(
            sku=f"registry-{tier.lower()}",
            unit="day",
            product="Container Registry",
            sku_name=tier,
            name=f"{tier} Registry Unit",
        )
    yield Meter(sku="registry-storage", unit="GiB", product="Container Registry", sku_name="Basic", name="Data Stored")
    address = "Standard IPv4 Static Public IP"
    yield Meter(sku="public-address", unit="hour", product="IP Addresses", sku_name="Standard", name=address)
    nat = "NAT Gateway"
    yield Meter(sku="nat-gateway", unit="hour", product=nat, sku_name="Standard", name="Standard Gateway")
    yield Meter(sku="nat-data", unit="GiB", product=nat, sku_name="Standard", name="Standard Data Processed")
    ingestion = "Analytics Logs Data Ingestion"
    yield Meter(sku="log-analytics", unit="GiB", product="Log Analytics", sku_name="Analytics Logs", name=ingestion)
    balancer, rules = "Load Balancer", "Standard Included LB Rules and Outbound Rules"
    yield Meter(sku="load-balancer", unit="hour", product=balancer, sku_name="Standard", name=rules)
    data = "Standard Data Processed"
    yield Meter(sku="load-balancer-data", unit="GiB", product=balancer, sku_name="Standard", name=data)
    yield from _storage_meters()


def _storage_meters() -> Iterator[Meter]:
    for tier, letter in DISK_LETTERS.items():
        for number in DISK_NUMBERS:
            for copies in ("LRS", "ZRS"):
                name = f"{letter}{number} {copies}"
                yield Meter(
                    sku=f"disk-{letter}{number}-{copies.lower()}",
                    unit="month",
                    product=f"{tier.capitalize()} SSD Managed Disks",
                    sku_name=name,
                    name=f"{name} Disk",
                )
    for copies in ("LRS", "ZRS", "GZRS"):
        hot = f"Hot {copies}"
        yield Meter(
            sku=f"blob-{copies.lower()}",
            unit="GiB",
            product="General Block Blob v2",
            sku_name=hot,
            name=f"{hot} Data Stored",
        )
    for copies in ("LRS", "ZRS"):
        name = f"Premium {copies}"
        yield Meter(
            sku=f"files-premium-{copies.lower()}",
            unit="month",
            product="Premium Files",
            sku_name=name,
            name=f"{name} Provisioned",
        )
    yield Meter(
        sku="files-standard-lrs", unit="GiB", product="Files v2", sku_name="Standard LRS", name="LRS Data Stored"
    )


def fetch(region: str, *, today: date, url: str = URL) -> list[ListPrice]:
    """The list prices of a region.

    Raises:
        OperationError: the API does not answer, or has no prices of the region.
    """
    regional = [item for service in SERVICES for item in _items(url, service, region)]
    if not regional:
        raise OperationError(
            f"The Azure Retail Prices API has no prices of region {region!r}; name a region as Azure does: "
            "az account list-locations --query '[].name'."
        )
    globally = [item for service in GLOBAL_SERVICES for item in _items(url, service, GLOBAL)]
    found = [*_machines(regional), *_servers(regional), *_single_meters(regional)]
    rows = {(sku, region): (unit, usd) for sku, unit, usd in found}
    rows |= {(sku, EVERY_REGION): (unit, usd) for sku, unit, usd in _single_meters(globally)}
    return [
        ListPrice(cloud="azure", sku=sku, region=place, unit=unit, usd=usd, source=URL, as_of=today)
        for (sku, place), (unit, usd) in rows.items()
    ]


def _items(url: str, service: str, region: str) -> Iterator[dict[str, Any]]:
    """The pay-as-you-go prices of a service in a region, from all pages."""
    condition = f"serviceName eq '{service}' and armRegionName eq '{region}' and priceType eq 'Consumption'"
    answer = price_lists.page(url, {"currencyCode": "USD", "$filter": condition})
    while True:
        yield from (item for item in answer.get("Items", []) if item.get("type") == "Consumption")
        if not (following := answer.get("NextPageLink")):
            return
        answer = price_lists.page(following, {})


def _machines(items: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, float]]:
    """Linux machines: standard ones, and spot ones with the suffix `-spot`."""
    by_sku: dict[str, list[float]] = {}
    for item in items:
        size, name = str(item.get("armSkuName")), f"{item.get('skuName')} {item.get('meterName')}"
        if item.get("serviceName") != "Virtual Machines" or not MACHINE.fullmatch(size):
            continue
        # Other products of the service: Windows licences, dedicated hosts, Cloud Services, low priority machines.
        if not str(item.get("productName")).endswith("Series") or "Low Priority" in name:
            continue
        suffix = "-spot" if "Spot" in name else ""
        by_sku.setdefault(f"vm-{size}{suffix}", []).append(float(item["retailPrice"]))
    yield from _agreed(by_sku, "hour")


def _servers(items: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, float]]:
    """PostgreSQL servers: a price of one virtual core by series, and one by size for burstable sizes; their storage."""
    hours: dict[str, list[float]] = {}
    months: dict[str, list[float]] = {}
    used: dict[str, list[float]] = {}
    for item in items:
        product, name = str(item.get("productName")).replace("\u00a0", " "), str(item.get("skuName"))
        usd = float(item["retailPrice"])
        if (found := POSTGRES_SERIES.fullmatch(product)) is not None and name in ("vCore", "1 vCore"):
            hours.setdefault(f"postgres-{found[1]}{found[2]}_{found[3]}-vcore", []).append(usd)
        elif product == POSTGRES_BURSTABLE and re.fullmatch(r"(?i)B\d+m?s", name):
            hours.setdefault(f"postgres-Standard_B{name[1:].lower()}", []).append(usd)
        # The product has two names, which differ by region.
        elif (
            re.fullmatch(r"(Az DB|Azure Database) for PostgreSQL Flex\w* Server Storage", product) and name == "Storage"
        ):
            months.setdefault("postgres-storage", []).append(usd)
        elif product.endswith("PostgreSQL Flexible Server Backup Storage") and name == "Backup Storage LRS":
            used.setdefault("postgres-backup", []).append(usd)
    yield from _agreed(hours, "hour")
    yield from _agreed(months, "month")
    yield from _agreed(used, "GiB")


def _single_meters(items: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str, float]]:
    meters = {(meter.product, meter.sku_name, meter.name): meter for meter in _meters()}
    tiers: dict[str, dict[float, list[float]]] = {}
    for item in items:
        meter = meters.get((str(item.get("productName")), str(item.get("skuName")), str(item.get("meterName"))))
        if meter is None or float(item["retailPrice"]) <= 0 or not _fits(meter.unit, str(item.get("unitOfMeasure"))):
            continue
        start = float(item.get("tierMinimumUnits") or 0)
        tiers.setdefault(meter.sku, {}).setdefault(start, []).append(float(item["retailPrice"]))
    units = {meter.sku: meter.unit for meter in meters.values()}
    for sku, prices in tiers.items():
        # The first tier with a price: it follows free units, and larger amounts are cheaper.
        if (usd := price_lists.single(prices[min(prices)])) is not None:
            yield sku, units[sku], usd


def _fits(unit: str, measure: str) -> bool:
    return UNITS.get(measure) == unit or (unit in ("GiB", "month") and measure in BY_GIB)


def _agreed(by_sku: dict[str, list[float]], unit: str) -> Iterator[tuple[str, str, float]]:
    for sku, values in by_sku.items():
        if (usd := price_lists.single(values)) is not None:
            yield sku, unit, usd
