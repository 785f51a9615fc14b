"""List prices of Google Cloud, from the Cloud Billing Catalog API, which needs an API key.

https://cloud.google.com/billing/v1/how-tos/catalog-api
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from components.pricing.catalogue import EVERY_REGION, ListPrice
from operations import price_lists
from operations.errors import OperationError

URL: Final = "https://cloudbilling.googleapis.com"
KEY: Final = "GOOGLE_API_KEY"
"""Environment variable with the API key."""
PAGE_SIZE: Final = "5000"
FAMILIES: Final = {
    "e2": "E2 Instance",
    "n1": "N1 Predefined Instance",
    "n2": "N2 Instance",
    "n2d": "N2D AMD Instance",
    "c2d": "C2D AMD Instance",
    "c3": "C3 Instance",
    "c3d": "C3D Instance",
    "t2d": "T2D AMD Instance",
}
"""Words with which descriptions of SKUs begin, by machine family."""
SQL: Final = "Cloud SQL for PostgreSQL: Zonal - "


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An SKU of a price list, by service and beginning of its description."""

    sku: str
    unit: str
    service: str
    description: str
    """A regular expression; what follows is the location."""
    usage: str = "OnDemand"


def _entries() -> Iterator[Entry]:
    compute, sql, files = "Compute Engine", "Cloud SQL", "Cloud Filestore"
    for family, words in FAMILIES.items():
        for suffix, kind in (("vcpu", "Core"), ("gib", "Ram")):
            text = f"{words} {kind} running in "
            yield Entry(sku=f"{family}-{suffix}", unit="hour", service=compute, description=text)
            yield Entry(
                sku=f"{family}-{suffix}-spot",
                unit="hour",
                service=compute,
                description=f"Spot Preemptible {text}",
                usage="Preemptible",
            )
    yield Entry(sku="pd-balanced", unit="month", service=compute, description="Balanced PD Capacity in ")
    yield Entry(sku="pd-ssd", unit="month", service=compute, description="SSD backed PD Capacity in ")
    for sku, unit, words in (
        ("sql-vcpu", "hour", "vCPU in "),
        ("sql-gib", "hour", "RAM in "),
        ("sql-plus-vcpu", "hour", "Enterprise Plus N vCPU in "),
        ("sql-plus-gib", "hour", "Enterprise Plus N RAM in "),
        ("sql-db-f1-micro", "hour", "Micro instance in "),
        ("sql-db-g1-small", "hour", "Small instance in "),
        ("sql-ssd", "month", "Standard storage in "),
    ):
        yield Entry(sku=sku, unit=unit, service=sql, description=f"{SQL}{words}")
    yield Entry(sku="sql-backup", unit="GiB", service=sql, description="Cloud SQL: Backups in ")
    for tier, words in (
        ("basic_hdd", r"Basic HDD \(Standard\) "),
        ("basic_ssd", r"Basic SSD \(Premium\) "),
        ("zonal", "Zonal "),
        ("regional", "Regional "),
        ("enterprise", "Enterprise "),
    ):
        yield Entry(sku=f"filestore-{tier}", unit="month", service=files, description=f"Filestore Capacity {words}")
    yield Entry(sku="bucket-standard", unit="GiB", service="Cloud Storage", description="Standard Storage (?!.*Dual)")
    network = "Networking"
    yield Entry(sku="nat-data", unit="GiB", service=network, description="Networking Cloud Nat Data Processing")
    yield Entry(sku="nat-address", unit="hour", service=network, description="Networking Cloud NAT IP Usage")
    balancer = "Cloud Load Balancer Forwarding Rule Minimum Global"
    yield Entry(sku="forwarding-rules", unit="hour", service=network, description=balancer)


def fetch(region: str, *, today: date, url: str = URL) -> list[ListPrice]:
    """The list prices of a region.

    Raises:
        OperationError: the key is missing, the API does not answer, or it has no prices of the region.
    """
    key = os.environ.get(KEY)
    if not key:
        raise OperationError(
            f"The Cloud Billing Catalog API needs an API key; create one and set {KEY}: "
            "https://cloud.google.com/docs/authentication/api-keys."
        )
    entries = list(_entries())
    wanted = {entry.service for entry in entries}
    names = {
        str(service["displayName"]): str(service["name"])
        for service in _pages(url, "/v1/services", "services", key)
        if service.get("displayName") in wanted
    }
    rows: list[ListPrice] = []
    for service, name in names.items():
        skus = list(_pages(url, f"/v1/{name}/skus", "skus", key))
        chosen = [entry for entry in entries if entry.service == service]
        rows += [row for entry in chosen if (row := _row(entry, skus, region, today)) is not None]
    if not any(row.region == region for row in rows):
        raise OperationError(
            f"The Cloud Billing Catalog API has no prices of region {region!r}; name a region as Google Cloud does: "
            "gcloud compute regions list."
        )
    return rows


def _pages(url: str, path: str, items: str, key: str) -> Iterator[dict[str, Any]]:
    token = ""
    while True:
        parameters = {"key": key, "pageSize": PAGE_SIZE, "currencyCode": "USD", "pageToken": token}
        answer = price_lists.page(f"{url}{path}", parameters)
        yield from answer.get(items, [])
        token = str(answer.get("nextPageToken") or "")
        if not token:
            return


def _row(entry: Entry, skus: list[dict[str, Any]], region: str, today: date) -> ListPrice | None:
    """The price of an entry in the region, or everywhere; None if no SKU, or several with other prices, match."""
    for place, served in ((region, region), (EVERY_REGION, "global")):
        matching = [
            sku
            for sku in skus
            if served in sku.get("serviceRegions", [])
            and sku.get("category", {}).get("usageType") == entry.usage
            and re.match(entry.description, str(sku.get("description")))
        ]
        usd = price_lists.single(price for sku in matching if (price := _usd(sku)) is not None)
        if usd is not None:
            source = f"{URL}/v1/services (SKU {matching[0].get('skuId')}, {matching[0].get('description')})"
            return ListPrice(
                cloud="gcp", sku=entry.sku, region=place, unit=entry.unit, usd=usd, source=source, as_of=today
            )
    return None


def _usd(sku: dict[str, Any]) -> float | None:
    """The first price above 0 of an SKU: it follows free units, and larger amounts are cheaper."""
    try:
        rates = sku["pricingInfo"][-1]["pricingExpression"]["tieredRates"]
        prices = (int(r["unitPrice"].get("units") or 0) + r["unitPrice"].get("nanos", 0) / 1e9 for r in rates)
        return next((price for price in prices if price > 0), None)
    except (KeyError, IndexError, TypeError, ValueError):
        return None
