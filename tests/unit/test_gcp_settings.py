"""Settings of Google Cloud that cannot be used: each told with key, value, rule and remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from components.faults import SettingsError
from components.settings import gcp_regions, gcp_sql, reading
from components.settings.gcp import Addresses, Database, GcpCloud
from tests.unit import recorder, stacks_gcp
from tests.unit.recorder import raw
from tests.unit.stacks_gcp import STACKS

CLOUD: Final = "airflow:cloud"
NETWORKS: Final = {"kind": "authorized_networks"}


def cloud(executor: str = "celery", /, sections: Mapping[str, Any] | None = None, **settings: Any) -> dict[str, Any]:
    """A stack that would be fine but for these settings of its cloud, or these sections."""
    return stacks_gcp.config(executor, cloud_with=settings, **(sections or {}))


def database(**settings: Any) -> dict[str, Any]:
    return cloud(database=settings)


def share(section: str, size_gib: int, tier: str) -> dict[str, Any]:
    kind = {"logs": "volume", "dags": "share"}[section]
    return cloud(sections={section: {"kind": kind, "size_gib": size_gib}}, shares={"tier": tier})


CASES: Final[Mapping[str, tuple[dict[str, Any], str, str, str, str]]] = {
    # name: config, key, value as shown, rule, remedy
    "no project": (
        {"airflow:cloud": {"kind": "gcp", "region": "europe-west1"}, "airflow:executor": {"kind": "celery"}},
        f"{CLOUD}.project",
        "",
        "is missing",
        "set it",
    ),
    "a project's number": (cloud(project="123456789"), f"{CLOUD}.project", "'123456789'", "does not match", "form"),
    "a short project": (cloud(project="ab-c"), f"{CLOUD}.project", "'ab-c'", "does not match", "form"),
    "an unknown region": (
        cloud(region="europe-wset1"),
        f"{CLOUD}.region",
        "'europe-wset1'",
        "is no region of Google Cloud",
        "did you mean europe-west1",
    ),
    "a location of another cloud": (
        cloud(region="North Europe"),
        f"{CLOUD}.region",
        "'North Europe'",
        "is no region of Google Cloud",
        "use one of africa-south1",
    ),
    "a zone as region": (
        cloud(region="europe-west1-b"),
        f"{CLOUD}.region",
        "'europe-west1-b'",
        "is no region",
        "europe-west1",
    ),
    "a zone outside its region": (
        cloud(zones=["europe-west2-a"]),
        f"{CLOUD}.zones",
        "['europe-west2-a']",
        "is outside europe-west1",
        "use europe-west1-b, europe-west1-c, europe-west1-d",
    ),
    "a zone that its region has not": (
        cloud(zones=["europe-west1-a"]),
        f"{CLOUD}.zones",
        "['europe-west1-a']",
        "is outside europe-west1",
        "use europe-west1-b",
    ),
    "a zone twice": (
        cloud(zones=["europe-west1-b", "europe-west1-b"]),
        f"{CLOUD}.zones",
        "['europe-west1-b', 'europe-west1-b']",
        "names a zone twice",
        "once",
    ),
    "a zone that is no list": (
        cloud(zones="europe-west1-b"),
        f"{CLOUD}.zones",
        "'europe-west1-b'",
        "is not a list",
        "with a dash",
    ),
    "four zones": (
        cloud(region="us-central1", zones=[f"us-central1-{letter}" for letter in "abcf"]),
        f"{CLOUD}.zones",
        "['us-central1-a', 'us-central1-b', 'us-central1-c', 'us-central1-f']",
        "has 4 entries, 3 is the most",
        "list 3",
    ),
    "ranges that overlap": (
        cloud(addresses={"pods": "10.10.0.0/16"}),
        f"{CLOUD}.addresses.pods",
        "'10.10.0.0/16'",
        "overlaps nodes (10.10.0.0/20)",
        "share no address",
    ),
    "a range that overlaps a default": (
        cloud(addresses={"nodes": "10.16.128.0/20"}),
        f"{CLOUD}.addresses.pods",
        "'10.16.0.0/16'",
        "overlaps nodes (10.16.128.0/20)",
        "share no address",
    ),
    "a public range": (
        cloud(addresses={"services": "8.8.0.0/20"}),
        f"{CLOUD}.addresses.services",
        "'8.8.0.0/20'",
        "is not private",
        "10.0.0.0/8",
    ),
    "no range": (
        cloud(addresses={"services": "10.0.0.0-10.0.1.0"}),
        f"{CLOUD}.addresses.services",
        "'10.0.0.0-10.0.1.0'",
        "is no address range",
        "like 10.10.0.0/20",
    ),
    "a range with bits behind its prefix": (
        cloud(addresses={"nodes": "10.10.0.1/20"}),
        f"{CLOUD}.addresses.nodes",
        "'10.10.0.1/20'",
        "has host bits set",
        "like 10.10.0.0/20",
    ),
    "a range that the database does not answer": (
        cloud(addresses={"nodes": "172.17.0.0/20"}),
        f"{CLOUD}.addresses.nodes",
        "'172.17.0.0/20'",
        "Cloud SQL does not answer",
        "another range",
    ),
    "a range too small for the database": (
        cloud(addresses={"private_services": "10.12.0.0/25"}),
        f"{CLOUD}.addresses.private_services",
        "'10.12.0.0/25'",
        "is too small",
        "/24",
    ),
    "pods without room": (
        cloud(addresses={"pods": "10.16.0.0/21"}),
        f"{CLOUD}.addresses.pods",
        "'10.16.0.0/21'",
        "holds 8 nodes, and the pools may have 12",
        "larger range",
    ),
    "nodes without room": (
        cloud(addresses={"nodes": "10.10.0.0/28"}, cluster={"task_nodes": {"nodes_max": 5}}),
        f"{CLOUD}.addresses.nodes",
        "'10.10.0.0/28'",
        "holds 12 nodes, and the pools may have 30",
        "smaller nodes_max",
    ),
    "everyone at the cluster's door": (
        cloud(cluster={"endpoint": {**NETWORKS, "ranges": ["0.0.0.0/0"]}}),
        f"{CLOUD}.cluster.endpoint.ranges.0",
        "'0.0.0.0/0'",
        "lets everyone in",
        "list the ranges",
    ),
    "no one at the cluster's door": (
        cloud(cluster={"endpoint": {**NETWORKS, "ranges": []}}),
        f"{CLOUD}.cluster.endpoint.ranges",
        "[]",
        "has 0 entries, 1 is the least",
        "list 1",
    ),
    "an unknown door": (
        cloud(cluster={"endpoint": {"kind": "public"}}),
        f"{CLOUD}.cluster.endpoint.kind",
        "'public'",
        "not a known kind",
        "'dns', 'authorized_networks', 'private'",
    ),
    "a machine that shares its core": (
        cloud(cluster={"system_nodes": {"machine_type": "e2-micro"}}),
        f"{CLOUD}.cluster.system_nodes.machine_type",
        "'e2-micro'",
        "no machine type for nodes",
        "e2-standard-4",
    ),
    "a machine of another cloud": (
        cloud(cluster={"task_nodes": {"machine_type": "Standard_D4s_v5"}}),
        f"{CLOUD}.cluster.task_nodes.machine_type",
        "'Standard_D4s_v5'",
        "no machine type for nodes",
        "e2-standard-4",
    ),
    "fewer nodes at most than at least": (
        cloud(cluster={"system_nodes": {"nodes_min": 5}}),
        f"{CLOUD}.cluster.system_nodes.nodes_max",
        "3",
        "is below nodes_min (5)",
        "at least",
    ),
    "services without nodes": (
        cloud(cluster={"system_nodes": {"nodes_min": 0}}),
        f"{CLOUD}.cluster.system_nodes.nodes_min",
        "0",
        "is below 1",
        "use 1",
    ),
    "an unknown channel": (
        cloud(cluster={"channel": "beta"}),
        f"{CLOUD}.cluster.channel",
        "'beta'",
        "not known here",
        "'rapid', 'regular' or 'stable'",
    ),
    "a key's short name": (
        cloud(cluster={"encryption_key": "my-key"}),
        f"{CLOUD}.cluster.encryption_key",
        "'my-key'",
        "does not match",
        "form",
    ),
    "high availability on a shared core": (
        database(tier="db-g1-small"),
        f"{CLOUD}.database.tier",
        "'db-g1-small'",
        "shares a core, which high availability excludes",
        "db-custom-1-3840 or larger",
    ),
    "high availability without the logs it takes": (
        database(point_in_time_recovery=False),
        f"{CLOUD}.database.point_in_time_recovery",
        "False",
        "is what high availability takes",
        "leave it on",
    ),
    "a tier of the other edition": (
        database(edition="enterprise_plus", tier="db-custom-2-7680"),
        f"{CLOUD}.database.tier",
        "'db-custom-2-7680'",
        "no tier of edition enterprise_plus",
        "db-perf-optimized-N-2",
    ),
    "an edition without its tiers": (
        database(edition="enterprise_plus"),
        f"{CLOUD}.database.tier",
        "'db-custom-2-7680'",
        "no tier of edition enterprise_plus",
        "db-perf-optimized-N-2",
    ),
    "an odd number of processors": (
        database(tier="db-custom-3-11520"),
        f"{CLOUD}.database.tier",
        "'db-custom-3-11520'",
        "has 3 processors",
        "even number",
    ),
    "too little memory": (
        database(tier="db-custom-2-2048"),
        f"{CLOUD}.database.tier",
        "'db-custom-2-2048'",
        "has 2048 MiB of memory for 2 processors",
        "db-custom-2-3840",
    ),
    "too few connections": (
        database(tier="db-g1-small", high_availability=False),
        f"{CLOUD}.database.tier",
        "'db-g1-small'",
        "takes 40 connections beside its own, and this stack may hold",
        "larger tier",
    ),
    "a disk above its limit": (
        database(disk_gib=600),
        f"{CLOUD}.database.disk_limit_gib",
        "500",
        "is below disk_gib (600)",
        "at least that much",
    ),
    "an old PostgreSQL": (database(version=12), f"{CLOUD}.database.version", "12", "is below 14", "use 14"),
    "no backups": (database(backups_kept=0), f"{CLOUD}.database.backups_kept", "0", "is below 1", "use 1"),
    "a flag that is a number": (
        database(flags={"max_connections": 100}),
        f"{CLOUD}.database.flags.max_connections",
        "100",
        "is not text",
        "quotes",
    ),
    "a flag with a misspelt name": (
        database(flags={"Max Connections": "100"}),
        f"{CLOUD}.database.flags",
        "{'Max Connections': '100'}",
        "which is no flag",
        "log_min_duration_statement",
    ),
    "a flag that another setting decides": (
        database(flags={"cloudsql.enable_pgaudit": "off"}),
        f"{CLOUD}.database.flags",
        "{'cloudsql.enable_pgaudit': 'off'}",
        "which `audit` decides",
        "leave it out",
    ),
    "a flag that leaves no connections": (
        database(flags={"max_connections": "20"}),
        f"{CLOUD}.database.flags",
        "{'max_connections': '20'}",
        "leaves Airflow max_connections '20'",
        "50 or more",
    ),
    "a basic share below a TiB": (
        share("logs", 1023, "basic_hdd"),
        "airflow:logs.size_gib",
        "1023",
        "is below 1024",
        'airflow:cloud.shares.tier "regional"',
    ),
    "an SSD share below its least": (
        share("dags", 1024, "basic_ssd"),
        "airflow:dags.size_gib",
        "1024",
        "is below 2560",
        "use 2560",
    ),
    "a zonal share below its least": (
        share("dags", 100, "zonal"),
        "airflow:dags.size_gib",
        "100",
        "is below 1024",
        "use 1024",
    ),
    "a regional share below its least": (
        share("logs", 99, "regional"),
        "airflow:logs.size_gib",
        "99",
        "is below 100",
        "use 100",
    ),
    "a share above its most": (
        share("dags", 10_241, "enterprise"),
        "airflow:dags.size_gib",
        "10241",
        "is above 10240",
        "use at most 10240",
    ),
    "an unknown tier of shares": (
        cloud(shares={"tier": "premium"}),
        f"{CLOUD}.shares.tier",
        "'premium'",
        "not known here",
        "'regional'",
    ),
    "a proxy without a Gateway": (
        cloud(iap=["user:ada@example.org"]),
        f"{CLOUD}.iap",
        "['user:ada@example.org']",
        "stands before a Gateway",
        'kind "gateway"',
    ),
    "everyone past the proxy": (cloud(iap=["allUsers"]), f"{CLOUD}.iap.0", "'allUsers'", "does not match", "form"),
    "a name that no bucket may have": (
        cloud(sections={"name": "my-google"}),
        "airflow:name",
        "'my-google'",
        "holds 'goog'",
        "another name",
    ),
    "an hour of another day": (
        cloud(maintenance_hour=24),
        f"{CLOUD}.maintenance_hour",
        "24",
        "is above 23",
        "use 23",
    ),
    "data of production without protection": (
        cloud(production_data=True),
        "airflow:protect",
        "False",
        "leaves the data of production, which airflow:cloud.production_data names, without protection",
        "production_data to false",
    ),
    "data of production whose protection is turned off": (
        cloud(sections={"protect": "false"}, production_data=True),
        "airflow:protect",
        "False",
        "leaves the data of production",
        "set it to true",
    ),
    "keys of both clouds": (
        cloud(subscription_id="00000000-0000-0000-0000-000000000000"),
        f"{CLOUD}.subscription_id",
        "'00000000-0000-0000-0000-000000000000'",
        "not known here",
        "known here: kind, project, region",
    ),
}


def faults(stack: Mapping[str, Any]) -> list[str]:
    texts, secret = raw(stack)
    with pytest.raises(SettingsError) as refused:
        reading.parse(texts, secret=secret)
    return [line.strip() for line in str(refused.value).splitlines()[1:]]


@pytest.mark.parametrize("case", CASES)
def test_a_report_names_key_value_rule_and_remedy_of(case: str) -> None:
    stack, key, value, rule, remedy = CASES[case]
    [line] = faults(stack)
    told, _, help_ = line.rpartition("; ")
    assert told.startswith(f"{key}: {value} " if value else f"{key} ")
    assert rule in told
    assert remedy in help_


def test_several_faults_are_told_together() -> None:
    wrong = cloud(
        zones=["us-east1-b"],
        addresses={"pods": "10.10.0.0/16", "services": "1.2.3.0/24"},
        database={"tier": "db-f1-micro", "disk_gib": 5},
        cluster={"channel": "beta"},
    )
    assert [line.split(": ")[0] for line in faults(wrong)] == [
        f"{CLOUD}.zones",
        f"{CLOUD}.cluster.channel",
        f"{CLOUD}.database.tier",
        f"{CLOUD}.database.disk_gib",
        f"{CLOUD}.addresses.pods",
        f"{CLOUD}.addresses.services",
    ]


def test_nothing_is_registered_when_the_cloud_is_refused() -> None:
    recording = recorder.run(CASES["a zone outside its region"][0])
    assert isinstance(recording.error, SettingsError)
    assert recording.registrations == ()


def test_project_and_region_are_enough() -> None:
    settings = reading.parse(raw(cloud())[0])
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
    settings = reading.parse(raw(cloud(region="us-east4", zones=zones))[0])
    assert isinstance(settings.cloud, GcpCloud)
    assert settings.cloud.cluster_location == location
    assert settings.cloud.node_zones == (zones or ["us-east4-a", "us-east4-b", "us-east4-c"])


@pytest.mark.parametrize("region", gcp_regions.ZONES)
def test_every_region_has_three_zones_of_its_own(region: str) -> None:
    found = gcp_regions.zones(region)
    assert len({*found}) == 3
    assert all(zone.startswith(f"{region}-") for zone in found)


@pytest.mark.parametrize("stack", STACKS)
def test_every_stack_file_is_accepted(stack: str) -> None:
    reading.parse(raw(STACKS[stack])[0])


RANGE: Final = st.builds(
    lambda address, prefix: str(IPv4Network((address, prefix), strict=False)),
    st.integers(min_value=int(IPv4Network("10.0.0.0/8")[0]), max_value=int(IPv4Network("10.3.255.255/32")[0])),
    st.integers(min_value=12, max_value=30),
)


@given(nodes=RANGE, pods=RANGE, services=RANGE, private_services=RANGE)
def test_ranges_that_are_accepted_share_no_address_and_have_room(**ranges: str) -> None:
    try:
        accepted = Addresses.model_validate(ranges)
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
    assert (gcp_sql.tier_rule(f"db-custom-{cpus}-{mib}", "enterprise") is None) == sold


@given(st.integers(min_value=1, max_value=48), st.sampled_from([3840, 7680, 15_360]))
def test_a_tiers_remedy_is_itself_accepted(cpus: int, mib: int) -> None:
    rule = gcp_sql.tier_rule(f"db-custom-{cpus * 2}-{mib}", "enterprise")
    if rule is not None:
        assert gcp_sql.tier_rule(rule.rpartition(" ")[2], "enterprise") is None


def test_connections_grow_with_memory() -> None:
    tiers = ["db-f1-micro", "db-g1-small", "db-custom-1-3840", "db-custom-2-7680", "db-custom-4-15360"]
    assert [gcp_sql.connections(tier) for tier in tiers] == [25, 50, 100, 400, 500]
    assert gcp_sql.connections("db-perf-optimized-N-16") == 1000
    assert Database(flags={"max_connections": "300"}).max_connections == 290


def test_the_cases_are_told_apart() -> None:
    assert len({json.dumps(case[0], sort_keys=True) for case in CASES.values()}) == len(CASES)
