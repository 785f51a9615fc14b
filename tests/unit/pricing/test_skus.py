"""Sizes of machines, servers and disks as amounts of SKUs."""

from __future__ import annotations

import pytest

from components.pricing import azure, catalogue, gcp
from components.pricing.estimate import price_of
from tests.unit.pricing.stacks import SHIPPED, settings


@pytest.mark.parametrize(
    ("machine", "skus"),
    [
        ("e2-standard-4", {"e2-vcpu": 4, "e2-gib": 16}),
        ("e2-highmem-8", {"e2-vcpu": 8, "e2-gib": 64}),
        ("e2-highcpu-32", {"e2-vcpu": 32, "e2-gib": 32}),
        ("e2-medium", {"e2-vcpu": 1, "e2-gib": 4}),
        ("e2-custom-4-10240", {"e2-vcpu": 4, "e2-gib": 10}),
        ("n2-custom-4-10240", {"n2-custom-vcpu": 4, "n2-custom-gib": 10}),
        ("n1-standard-8", {"n1-vcpu": 8, "n1-gib": 30}),
        ("n2d-standard-64", {"n2d-vcpu": 64, "n2d-gib": 256}),
        ("c3-standard-8-lssd", {"c3-standard-8-lssd": 1}),
        ("m1-ultramem-40", {"m1-ultramem-40": 1}),
    ],
)
def test_a_machine_of_google_cloud_is_the_sum_of_its_processors_and_memory(
    machine: str, skus: dict[str, float]
) -> None:
    assert gcp.machine_skus(machine) == pytest.approx(skus)
    assert gcp.machine_skus(machine, spot=True) == pytest.approx({f"{sku}-spot": n for sku, n in skus.items()})


@pytest.mark.parametrize(
    ("machine", "region", "hourly"),
    [
        # https://github.com/Cyclenerd/google-cloud-pricing-cost-calculator, pricing.yml of 2025-03-06: whole machines.
        ("e2-highmem-8", "europe-west1", 0.39777672),
        ("e2-medium", "europe-west1", 0.03685773),
        ("e2-highmem-8", "us-central1", 0.36159864),
        # https://github.com/skypilot-org/skypilot-catalog, catalogs/v8/gcp/vms.csv.
        ("e2-highcpu-32", "europe-west1", 0.8707),
        ("n1-standard-8", "europe-west1", 0.41801),
        ("n1-standard-96", "us-central1", 4.55998),
    ],
)
def test_the_sum_is_the_published_price_of_the_whole_machine(machine: str, region: str, hourly: float) -> None:
    prices = catalogue.load("gcp", region).prices
    total = sum(amount * prices[sku].usd for sku, amount in gcp.machine_skus(machine).items())
    assert total == pytest.approx(hourly, rel=1e-4)


@pytest.mark.parametrize(
    ("size", "skus"),
    [
        ("db-f1-micro", {"sql-db-f1-micro": 1}),
        ("db-custom-2-7680", {"sql-vcpu": 2, "sql-gib": 7.5}),
        ("db-perf-optimized-N-4", {"sql-plus-vcpu": 4, "sql-plus-gib": 32}),
    ],
)
def test_a_server_of_cloud_sql(size: str, skus: dict[str, float]) -> None:
    assert gcp.database_skus(size) == skus


@pytest.mark.parametrize(
    ("size", "skus"),
    [
        ("Standard_B2s", {"postgres-Standard_B2s": 1}),
        ("Standard_D2ds_v5", {"postgres-Dds_v5-vcore": 2}),
        ("Standard_D16ads_v5", {"postgres-Dads_v5-vcore": 16}),
        ("Standard_E20ds_v4", {"postgres-Eds_v4-vcore": 20}),
        ("Standard_D4s_v3", {"postgres-Ds_v3-vcore": 4}),
    ],
)
def test_a_server_of_azure(size: str, skus: dict[str, float]) -> None:
    assert azure.database_skus(size) == skus
    assert skus.keys() <= catalogue.load("azure", "swedencentral").prices.keys()


@pytest.mark.parametrize(
    ("tier", "size_gib", "sku"),
    [
        ("premium", 1, "disk-P1-zrs"),
        ("premium", 4, "disk-P1-zrs"),
        ("premium", 5, "disk-P2-zrs"),
        ("premium", 64, "disk-P6-zrs"),
        ("standard", 65, "disk-E10-zrs"),
        ("premium", 2048, "disk-P40-zrs"),
    ],
)
def test_a_managed_disk_is_billed_by_the_next_size(tier: str, size_gib: int, sku: str) -> None:
    assert azure.disk_sku(tier, size_gib, "zrs") == sku


def test_more_nodes_than_a_nat_gateway_counts_cost_nothing_more() -> None:
    low, high = (
        price_of(settings(SHIPPED["dev"], cloud__cluster__system_nodes__nodes_max=nodes)) for nodes in (32, 60)
    )
    [few], [many] = ([line for line in price.lines if line.resource == "NAT gateway"] for price in (low, high))
    assert many.monthly_max == few.monthly_max == pytest.approx(730 * 32 * 0.0014)


def test_what_else_a_stack_may_have_is_priced() -> None:
    """Managed system disks, a larger registry, premium shares and a Gateway behind a NAT gateway."""
    price = price_of(
        settings(
            SHIPPED["azure-celery"],
            cloud__cluster__tier="premium",
            cloud__cluster__system_nodes={"machine_type": "Standard_D4s_v5", "disk": "managed", "disk_gib": 64},
            cloud__network={"outbound": "nat_gateway", "private_endpoints": True},
            cloud__shares={"protocol": "nfs", "tier": "premium"},
            cloud__registry="premium",
            dags=[{"kind": "share", "size_gib": 100}],
            exposure={
                "kind": "gateway",
                "host": "airflow.simulated.test",
                "tls": {"kind": "cert_manager", "issuer": "letsencrypt"},
            },
        )
    )
    assert price.unknown == ()
    found = {line.resource: (line.quantity_min, round(line.monthly_min, 2)) for line in price.lines}
    assert found["AKS cluster"] == (1, round(730 * 0.60, 2))
    assert found["disks of system nodes"] == (1, 11.23)
    assert found["file share for dags"] == (100, 19.20)
    assert found["private endpoints"] == (2, 14.60)
    assert found["private DNS zones"] == (3, 1.50)
    assert found["public addresses"] == (2, 7.30)
    assert found["NAT gateway"] == (1, 32.85)
    assert found["load balancer"] == (1, 18.25)
    assert found["container registry"] == (1, round(730 / 24 * 1.6666, 2))
