"""Settings of Google Cloud: accepted values and the properties derived from them."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.settings import loader
from components.settings.gcp import regions, shares, sql_tiers
from components.settings.gcp.cloud import Database, GcpCloud
from components.settings.gcp.network import Network
from tests.unit.recording import stacks_gcp
from tests.unit.recording.recorder import raw
from tests.unit.recording.stacks_gcp import STACKS


def cloud(**settings: Any) -> dict[str, Any]:
    """A stack on Google Cloud with these settings of its cloud."""
    return stacks_gcp.config("celery", cloud_with=settings)


def test_project_and_region_are_enough() -> None:
    settings = loader.read(raw(cloud())[0])
    assert isinstance(settings.cloud, GcpCloud)
    assert settings.cloud.node_zones == ["europe-west1-b", "europe-west1-c", "europe-west1-d"]
    assert settings.cloud.cluster_location == "europe-west1"


@pytest.mark.parametrize(
    ("zones", "location"),
    [
        ([], "us-east4"),
        (["us-east4-b"], "us-east4-b"),
        (["us-east4-a", "us-east4-c"], "us-east4"),
    ],
)
def test_one_zone_makes_a_zonal_cluster_and_more_a_regional_one(zones: list[str], location: str) -> None:
    settings = loader.read(raw(cloud(region="us-east4", zones=zones))[0])
    assert isinstance(settings.cloud, GcpCloud)
    assert settings.cloud.cluster_location == location
    assert settings.cloud.node_zones == (zones or ["us-east4-a", "us-east4-b", "us-east4-c"])


@pytest.mark.parametrize("region", regions.ZONES)
def test_the_stack_file_dev_fits_every_region_when_its_region_alone_is_changed(region: str) -> None:
    config = {**STACKS["gcp, stack file dev"]}
    config["airflow:cloud"] = {**config["airflow:cloud"], "region": region}
    settings = loader.read(raw(config)[0])
    assert isinstance(settings.cloud, GcpCloud)
    assert settings.cloud.node_zones == [settings.cloud.cluster_location] == [f"{region}-b"]


@pytest.mark.parametrize("region", regions.ZONES)
def test_every_region_has_three_zones_of_its_own(region: str) -> None:
    found = regions.zones(region)
    assert len({*found}) == 3
    assert all(zone.startswith(f"{region}-") for zone in found)


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_file_is_accepted(stack: str) -> None:
    config, secret = raw(STACKS[stack])
    loader.read(config, secret=secret)


RANGE: Final = st.builds(
    lambda address, prefix: str(IPv4Network((address, prefix), strict=False)),
    st.integers(min_value=int(IPv4Network("10.0.0.0/8")[0]), max_value=int(IPv4Network("10.3.255.255/32")[0])),
    st.integers(min_value=12, max_value=30),
)


@given(nodes=RANGE, pods=RANGE, services=RANGE, private_services=RANGE)
def test_ranges_that_are_accepted_share_no_address_and_have_room(**ranges: str) -> None:
    try:
        accepted = Network.model_validate(ranges)
    except ValidationError:
        return
    networks = [IPv4Network(text) for text in accepted.model_dump().values()]
    assert not any(one.overlaps(two) for one in networks for two in networks if one is not two)
    assert all(network.is_private and network.num_addresses >= 16 for network in networks)


@given(st.integers(min_value=1, max_value=100), st.integers(min_value=256, max_value=700_000))
def test_a_custom_tier_is_accepted_exactly_where_cloud_sql_sells_it(cpus: int, mib: int) -> None:
    """0.9 to 6.5 GiB a processor, 3.75 GiB at least, in steps of 256 MiB; 1 processor or an even number up to 96."""
    sold = (
        (cpus == 1 or cpus % 2 == 0)
        and cpus <= 96
        and mib % 256 == 0
        and mib >= 3840
        and 0.9 * 1024 * cpus <= mib <= 6.5 * 1024 * cpus
    )
    assert (sql_tiers.tier_rule(f"db-custom-{cpus}-{mib}", "enterprise") is None) == sold


@given(st.integers(min_value=1, max_value=48), st.sampled_from([3840, 7680, 15_360]))
def test_a_tiers_remedy_is_itself_accepted(cpus: int, mib: int) -> None:
    rule = sql_tiers.tier_rule(f"db-custom-{cpus * 2}-{mib}", "enterprise")
    if rule is not None:
        assert sql_tiers.tier_rule(rule.rpartition(" ")[2], "enterprise") is None


@given(st.sampled_from([*shares.SIZES_GIB]), st.integers(min_value=0, max_value=110_000))
def test_the_sizes_that_a_refusal_of_a_share_names_are_accepted(tier: shares.Tier, size_gib: int) -> None:
    for error in shares.setting_errors("airflow:dags.size_gib", size_gib, tier):
        named = [int(number) for number in re.findall(r"\d+", error.remedy)]
        assert [size for size in named if [*shares.setting_errors("", size, tier)]] == []
        assert named


def test_connections_grow_with_memory() -> None:
    tiers = ["db-f1-micro", "db-g1-small", "db-custom-1-3840", "db-custom-2-7680", "db-custom-4-15360"]
    assert [sql_tiers.connections(tier) for tier in tiers] == [25, 50, 100, 400, 500]
    assert sql_tiers.connections("db-perf-optimized-N-16") == 1000
    assert Database(flags={"max_connections": "300"}).max_connections == 290
