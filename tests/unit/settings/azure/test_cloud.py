"""Settings of Azure: accepted values and the properties derived from them."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.settings import loader
from components.settings.azure import catalogue
from components.settings.azure.cloud import AzureCloud
from components.settings.errors import SettingsError
from components.settings.stack import Settings
from tests.unit.recording.recorder import raw
from tests.unit.recording.stacks_azure import NFS, STACKS, config

KEY: Final = "airflow:cloud"


def setting_errors(stack: dict[str, Any]) -> list[str]:
    texts, secret = raw(stack)
    with pytest.raises(SettingsError) as refused:
        loader.read(texts, secret=secret)
    return [line.strip() for line in str(refused.value).splitlines()[1:]]


def accepted(stack: dict[str, Any]) -> Settings:
    config, secret = raw(stack)
    return loader.read(config, secret=secret)


@pytest.mark.parametrize(("section", "key"), [("logs", "logs"), ("dags", "dags[0]")])
def test_a_share_is_no_smaller_than_its_tier_has_them(section: str, key: str) -> None:
    def stack(size_gib: int, **cloud: Any) -> dict[str, Any]:
        share = {"logs": {"kind": "volume", "size_gib": size_gib}, "dags": [{"kind": "share", "size_gib": size_gib}]}
        return config("celery", cloud_with=cloud, **{section: share[section]})

    [line] = setting_errors(stack(50, shares={"tier": "premium"}))
    assert line.startswith(f"airflow:{key}.size_gib: 50 is below 100, the minimum of a premium share;")
    assert 'shares.tier "standard"' in line
    [line] = setting_errors(stack(99, **NFS))
    assert "standard" not in line
    accepted(stack(100, **NFS))
    accepted(stack(1))


def test_production_data_is_not_left_without_protection() -> None:
    stack = config("kubernetes", cloud_with={"production_data": True})
    [line] = setting_errors(stack)
    assert line.startswith("airflow:protect: False leaves production data (airflow:cloud.production_data)")
    assert "set it to true, or airflow:cloud.production_data to false" in line
    accepted({**stack, "airflow:protect": "true"})


def test_subscription_and_region_are_enough() -> None:
    cloud = accepted(config("celery")).cloud
    assert isinstance(cloud, AzureCloud)
    assert cloud.node_zones == ["1", "2", "3"]


@pytest.mark.parametrize("region", catalogue.REGIONS)
def test_every_region_is_accepted_with_nothing_else_set(region: str) -> None:
    cloud = accepted(config("kubernetes", cloud_with={"region": region})).cloud
    assert isinstance(cloud, AzureCloud)
    assert bool(cloud.node_zones) == catalogue.has_zones(region)


@pytest.mark.parametrize("stack", STACKS)
def test_the_stacks_that_are_tested_have_settings_without_fault(stack: str) -> None:
    assert accepted(STACKS[stack]).cloud.kind == "azure"


@pytest.mark.parametrize(
    ("size", "connections", "tier"),
    [
        ("Standard_B1ms", 35, "Burstable"),
        ("Standard_B2s", 414, "Burstable"),
        ("Standard_D2ds_v5", 844, "GeneralPurpose"),
        ("Standard_D4ads_v5", 1703, "GeneralPurpose"),
        ("Standard_D2s_v3", 844, "GeneralPurpose"),
        ("Standard_E2ds_v4", 1703, "MemoryOptimized"),
        ("Standard_E20ds_v5", 4985, "MemoryOptimized"),
        ("Standard_D96ds_v5", 4985, "GeneralPurpose"),
    ],
)
def test_a_servers_size_decides_its_tier_and_its_connections(size: str, connections: int, tier: str) -> None:
    assert catalogue.is_database_size(size)
    assert (catalogue.max_connections(size), catalogue.tier(size)) == (connections, tier)


@given(st.text(max_size=24) | st.from_regex(r"\AStandard_[BDE]\d{1,3}[a-z]{0,3}(_v\d)?\Z"))
def test_a_size_is_sold_or_has_no_connections(size: str) -> None:
    if catalogue.is_database_size(size):
        assert 0 < catalogue.max_connections(size) <= catalogue.CONNECTIONS_MAX
    else:
        with pytest.raises(ValueError, match="is not a size of PostgreSQL"):
            catalogue.max_connections(size)


@given(st.integers(8, 30), st.integers(0, 2**16 - 1), st.sampled_from(["nodes", "database", "pods", "services"]))
def test_address_ranges_are_refused_or_leave_the_network_in_order(prefix: int, start: int, name: str) -> None:
    """For all valid settings: subnets are in the network, other ranges are not, and no ranges overlap."""
    from ipaddress import IPv4Network

    network = IPv4Network((int(IPv4Network("10.0.0.0/8").network_address) + (start << 8), prefix), strict=False)
    try:
        settings = loader.read(raw(config("kubernetes", cloud_with={"network": {name: str(network)}}))[0])
    except SettingsError:
        return
    assert isinstance(settings.cloud, AzureCloud)
    chosen = settings.cloud.network
    ranges = {key: IPv4Network(getattr(chosen, key)) for key in ("nodes", "database", "endpoints", "pods", "services")}
    whole = IPv4Network(chosen.network)
    for key, found in ranges.items():
        assert found.subnet_of(whole) == (key in {"nodes", "database", "endpoints"})
        assert not [other for other in ranges if other != key and ranges[other].overlaps(found)]


def test_values_survive_their_way_through_the_engine() -> None:
    """Pulumi hands objects over as JSON."""
    texts, _ = raw(STACKS["azure, stack file prod"])
    assert json.loads(texts[KEY])["zones"] == ["1", "2", "3"]
