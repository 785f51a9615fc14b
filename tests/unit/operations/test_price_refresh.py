"""The command `price-refresh` against a local server that answers as the clouds' documentation says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from components.pricing import catalogue
from operations import billing_catalogue, price_refresh, retail_prices
from operations.commands import main
from operations.errors import OperationError
from tests.unit.operations.price_api import PriceApi, serving

REGION = "uksouth"
PLACE = "europe-west4"


@pytest.fixture
def api() -> Iterator[PriceApi]:
    with serving() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the price lists."""
    copy = tmp_path / "prices"
    shutil.copytree(catalogue.FOLDER, copy)
    return copy


def item(service: str, product: str, sku: str, meter: str, usd: float, measure: str = "1 Hour", **more: Any) -> Any:
    """An item as the Azure Retail Prices API has it."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": usd,
        "armRegionName": REGION,
        "meterName": meter,
        "productName": product,
        "skuName": sku,
        "serviceName": service,
        "unitOfMeasure": measure,
        "type": "Consumption",
        "armSkuName": "",
        **more,
    }


def machine(name: str, usd: float, *, product: str = "Virtual Machines Ddsv5 Series", kind: str = "") -> Any:
    words = name.removeprefix("Standard_").replace("_", " ") + kind
    return item("Virtual Machines", product, words, words, usd, armSkuName=name)


POSTGRES = "Azure Database for PostgreSQL"
FLEXIBLE = f"{POSTGRES} Flexible Server"
AZURE_ITEMS = [
    machine("Standard_D4ds_v5", 0.25),
    machine("Standard_D4ds_v5", 0.43, product="Virtual Machines Ddsv5 Series Windows"),
    machine("Standard_D4ds_v5", 0.05, kind=" Spot"),
    machine("Standard_D4ds_v5", 0.06, kind=" Low Priority"),
    machine("Standard_NC4as_T4_v3", 0.5, product="Virtual Machines NCasT4 v3 Series"),
    item(POSTGRES, f"{FLEXIBLE} General Purpose Ddsv5 Series Compute", "vCore", "vCore", 0.09),
    item(POSTGRES, f"{FLEXIBLE} General Purpose Ddsv5 Series Compute", "1 vCore", "vCore", 0.09),
    item(POSTGRES, f"{FLEXIBLE} General Purpose Ddsv5 Series Compute", "2 vCore", "vCore", 0.18),
    item(POSTGRES, f"{FLEXIBLE} Burstable BS Series Compute", "B2S", "B2S", 0.04),
    item(
        POSTGRES, "Az DB for PostgreSQL Flexible Server Storage", "Storage", "Storage Data Stored", 0.13, "1 GB/Month"
    ),
    item("Log Analytics", "Log Analytics", "Analytics Logs", "Analytics Logs Data Ingestion", 0.0, "1 GB"),
    item(
        "Log Analytics",
        "Log Analytics",
        "Analytics Logs",
        "Analytics Logs Data Ingestion",
        2.9,
        "1 GB",
        tierMinimumUnits=5.0,
    ),
    item("Storage", "Premium SSD Managed Disks", "P1 ZRS", "P1 ZRS Disk", 1.1, "1/Month"),
    item("Storage", "Premium Page Blob", "P1 ZRS", "P1 ZRS Disk", 9.9, "1/Month"),
    item("Storage", "General Block Blob v2", "Hot LRS", "Hot LRS Data Stored", 0.018, "1 GB/Month"),
    item(
        "Storage",
        "General Block Blob v2",
        "Hot LRS",
        "Hot LRS Data Stored",
        0.017,
        "1 GB/Month",
        tierMinimumUnits=51200.0,
    ),
    item(
        "Load Balancer",
        "Load Balancer",
        "Standard",
        "Standard Included LB Rules and Outbound Rules",
        0.026,
        armRegionName="Global",
    ),
]
AZURE_FOUND = {
    ("vm-Standard_D4ds_v5", REGION): ("hour", 0.25),
    ("vm-Standard_D4ds_v5-spot", REGION): ("hour", 0.05),
    ("postgres-Dds_v5-vcore", REGION): ("hour", 0.09),
    ("postgres-Standard_B2s", REGION): ("hour", 0.04),
    ("postgres-storage", REGION): ("month", 0.13),
    ("log-analytics", REGION): ("GiB", 2.9),
    ("disk-P1-zrs", REGION): ("month", 1.1),
    ("blob-lrs", REGION): ("GiB", 0.018),
    ("load-balancer", "*"): ("hour", 0.026),
}


def sku(description: str, nanos: int, *, usage: str = "OnDemand", places: tuple[str, ...] = (PLACE,)) -> Any:
    """An SKU as the Cloud Billing Catalog API has it, with a free first tier."""
    free = {"startUsageAmount": 0, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": 0}}
    paid = {"startUsageAmount": 1, "unitPrice": {"currencyCode": "USD", "units": "0", "nanos": nanos}}
    return {
        "skuId": f"SKU-{nanos}",
        "description": description,
        "category": {"usageType": usage},
        "serviceRegions": list(places),
        "pricingInfo": [{"pricingExpression": {"usageUnit": "h", "tieredRates": [free, paid]}}],
    }


GOOGLE_SERVICES = {
    "Compute Engine": [
        sku("E2 Instance Core running in Netherlands", 24_000_000),
        sku("E2 Instance Core running in Iowa", 21_000_000, places=("us-central1",)),
        sku("Spot Preemptible E2 Instance Core running in Netherlands", 9_000_000, usage="Preemptible"),
        sku("E2 Instance Ram running in Netherlands", 3_000_000),
        sku("Balanced PD Capacity in Netherlands", 110_000_000),
        sku("Regional Balanced PD Capacity in Netherlands", 220_000_000),
    ],
    "Cloud SQL": [
        sku("Cloud SQL for PostgreSQL: Zonal - vCPU in Netherlands", 45_000_000),
        sku("Cloud SQL for PostgreSQL: Regional - vCPU in Netherlands", 90_000_000),
        sku("Cloud SQL for MySQL: Zonal - vCPU in Netherlands", 46_000_000),
    ],
    "Cloud Filestore": [sku("Filestore Capacity Basic HDD (Standard) Netherlands", 200_000_000)],
    "Networking": [sku("Networking Cloud NAT IP Usage", 6_000_000, places=("global",))],
    "Other": [sku("Balanced PD Capacity in Netherlands", 1)],
}
GOOGLE_FOUND = {
    ("e2-vcpu", PLACE): ("hour", 0.024),
    ("e2-vcpu-spot", PLACE): ("hour", 0.009),
    ("e2-gib", PLACE): ("hour", 0.003),
    ("pd-balanced", PLACE): ("month", 0.11),
    ("sql-vcpu", PLACE): ("hour", 0.045),
    ("filestore-basic_hdd", PLACE): ("month", 0.2),
    ("nat-address", "*"): ("hour", 0.006),
}


def fill_google(api: PriceApi) -> None:
    for number, (name, skus) in enumerate(GOOGLE_SERVICES.items()):
        api.services.append({"name": f"services/{number}", "serviceId": str(number), "displayName": name})
        api.skus[f"services/{number}"] = skus


def test_prices_of_azure_are_read_from_all_pages(api: PriceApi) -> None:
    api.items = AZURE_ITEMS
    today = datetime.now(tz=UTC).date()
    rows = retail_prices.fetch(REGION, today=today, url=f"{api.url}/azure")
    assert {(row.sku, row.region): (row.unit, row.usd) for row in rows} == AZURE_FOUND
    assert {(row.cloud, row.source, row.as_of) for row in rows} == {("azure", retail_prices.URL, today)}
    assert len(api.requests) > len(retail_prices.SERVICES) + len(retail_prices.GLOBAL_SERVICES)


def test_prices_of_google_cloud_are_read_from_all_pages(api: PriceApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "the-key")
    fill_google(api)
    today = datetime.now(tz=UTC).date()
    rows = billing_catalogue.fetch(PLACE, today=today, url=f"{api.url}/google")
    assert {(row.sku, row.region): (row.unit, pytest.approx(row.usd)) for row in rows} == GOOGLE_FOUND
    assert all(row.source.startswith("https://cloudbilling.googleapis.com/v1/services (SKU SKU-") for row in rows)
    assert not any(path.endswith("/services/4/skus") for path in api.requests), "a service that no stack uses"


def test_a_list_gets_the_new_region_and_keeps_everything_else(
    api: PriceApi, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    api.items = AZURE_ITEMS
    before = {(row.sku, row.region): row for row in catalogue.rows("azure", folder)}
    assert price_refresh.run(cloud="azure", region=REGION, api=f"{api.url}/azure", folder=folder) == 0
    after = {(row.sku, row.region): row for row in catalogue.rows("azure", folder)}
    assert {key: (row.unit, row.usd) for key, row in after.items() if before.get(key) != row} == AZURE_FOUND
    assert before.keys() <= after.keys()
    assert capsys.readouterr().out.startswith("azure.csv, uksouth: 9 prices found, 8 new, 1 changed, ")
    assert catalogue.load("azure", REGION, folder).prices["vm-Standard_D4ds_v5"].usd == 0.25


def test_a_second_refresh_changes_nothing(api: PriceApi, folder: Path) -> None:
    api.items = AZURE_ITEMS
    price_refresh.run(cloud="azure", region=REGION, api=f"{api.url}/azure", folder=folder)
    once = (folder / "azure.csv").read_text()
    price_refresh.run(cloud="azure", region=REGION, api=f"{api.url}/azure", folder=folder)
    assert (folder / "azure.csv").read_text() == once


@pytest.mark.parametrize(
    ("cloud", "refused", "message"),
    [
        ("azure", None, "has no prices of region 'nowhere'; name a region as Azure does: az account list-locations"),
        ("azure", (429, "Too many requests"), "/azure answers 429: Too many requests; nothing was changed."),
        ("gcp", None, "has no prices of region 'nowhere'; name a region as Google Cloud does: gcloud compute regions"),
        (
            "gcp",
            (400, "API key not valid."),
            "/google/v1/services answers 400: API key not valid.; nothing was changed.",
        ),
    ],
)
def test_a_refusal_is_one_message_and_leaves_the_list_alone(
    cloud: str,
    refused: tuple[int, str] | None,
    message: str,
    api: PriceApi,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "the-key")
    api.refused = refused
    before = (folder / f"{cloud}.csv").read_text()
    url = f"{api.url}/{'azure' if cloud == 'azure' else 'google'}"
    with pytest.raises(OperationError) as error:
        price_refresh.run(cloud=cloud, region="nowhere", api=url, folder=folder)
    assert message in str(error.value)
    assert "the-key" not in str(error.value)
    assert (folder / f"{cloud}.csv").read_text() == before


def test_without_a_key_google_is_not_asked(
    api: PriceApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    assert main(["price-refresh", "--cloud", "gcp", "--region", PLACE, "--api", api.url]) == 2
    assert "needs an API key; create one and set GOOGLE_API_KEY" in capsys.readouterr().err
    assert api.requests == []


def test_a_closed_network_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["price-refresh", "--cloud", "azure", "--region", REGION, "--api", "http://127.0.0.1:1/azure"]) == 2
    assert "http://127.0.0.1:1/azure does not answer (ConnectionError); run this where" in capsys.readouterr().err
