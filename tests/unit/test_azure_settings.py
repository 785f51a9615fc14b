"""Settings of Azure that cannot be used, and what the report says of them."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.faults import SettingsError
from components.settings import azure_catalogue as catalogue
from components.settings import reading
from components.settings.azure import AzureCloud
from components.settings.stack import Settings
from tests.unit.recorder import raw
from tests.unit.stacks_azure import NFS, STACKS, config

KEY: Final = "airflow:cloud"
GENERAL: Final = {"size": "Standard_D2ds_v5"}

CASES: Final[dict[str, tuple[dict[str, Any], str, str, str, str]]] = {
    # name: the cloud's settings, key below airflow:cloud, value as shown, rule, remedy
    "an unknown location": ({"location": "westeurop"}, "location", "'westeurop'", "no location", "mean westeurope"),
    "a location as the portal shows it": (
        {"location": "West Europe"},
        "location",
        "'West Europe'",
        "is no location",
        "did you mean westeurope",
    ),
    "a location that is nothing like one": (
        {"location": "mars"},
        "location",
        "'mars'",
        "is no location",
        "use one of australiacentral, ",
    ),
    "a subscription's name": (
        {"subscription_id": "Pay-As-You-Go"},
        "subscription_id",
        "'Pay-As-You-Go'",
        "does not match",
        "of that form",
    ),
    "a zone that nobody has": ({"zones": ["4"]}, "zones.0", "'4'", "is not known here", "choose '1', '2' or '3'"),
    "a zone as a number": ({"zones": [1]}, "zones.0", "1", "is not known here", "choose '1', '2' or '3'"),
    "a zone outside its location": (
        {"location": "westus", "zones": ["1"]},
        "zones",
        "['1']",
        "are not there in westus",
        "choose a location with zones",
    ),
    "a zone twice": ({"zones": ["1", "1"]}, "zones", "['1', '1']", "name a zone twice", "name each once"),
    "one address for a subnet": (
        {"network": {"nodes": "10.42.0.0"}},
        "network.nodes",
        "'10.42.0.0'",
        "is too small",
        "use /28 or a larger range",
    ),
    "a range with bits behind its prefix": (
        {"network": {"nodes": "10.42.0.1/20"}},
        "network.nodes",
        "'10.42.0.1/20'",
        "is no address range",
        "write one like 10.42.0.0/20",
    ),
    "a public range": (
        {"network": {"pods": "8.8.0.0/16"}},
        "network.pods",
        "'8.8.0.0/16'",
        "is not private",
        "use a range of 10.0.0.0/8",
    ),
    "a subnet outside the network": (
        {"network": {"database": "10.43.0.0/27"}},
        "network.database",
        "'10.43.0.0/27'",
        "is outside network (10.42.0.0/16)",
        "use a part of that",
    ),
    "subnets that overlap": (
        {"network": {"database": "10.42.8.0/27"}},
        "network.database",
        "'10.42.8.0/27'",
        "overlaps nodes (10.42.0.0/20)",
        "share no address",
    ),
    "pods inside the network": (
        {"network": {"pods": "10.42.128.0/17"}},
        "network.pods",
        "'10.42.128.0/17'",
        "overlaps network",
        "share no address",
    ),
    "services inside the pods' range": (
        {"network": {"services": "10.244.0.0/20"}},
        "network.services",
        "'10.244.0.0/20'",
        "overlaps pods",
        "share no address",
    ),
    "services that AKS has itself": (
        {"network": {"services": "172.30.0.0/16"}},
        "network.services",
        "'172.30.0.0/16'",
        "which AKS uses",
        "another range",
    ),
    "services larger than a cluster takes": (
        {"network": {"services": "172.16.0.0/12"}},
        "network.services",
        "'172.16.0.0/12'",
        "is larger than a cluster takes",
        "use /13 or a smaller range",
    ),
    "a database's subnet without room": (
        {"network": {"database": "10.42.16.0/29"}},
        "network.database",
        "'10.42.16.0/29'",
        "is too small",
        "use /28",
    ),
    "nodes without addresses": (
        {"network": {"nodes": "10.42.0.0/28"}, "cluster": {"system_nodes": {"nodes_max": 20}}},
        "network.nodes",
        "'10.42.0.0/28'",
        "holds 11 nodes, and the pools may have 22",
        "smaller nodes_max",
    ),
    "pods without addresses": (
        {"network": {"pods": "10.244.0.0/22"}, "cluster": {"task_nodes": {"nodes_max": 10}}},
        "network.pods",
        "'10.244.0.0/22'",
        "holds 4 nodes, and the pools may have 15",
        "larger range",
    ),
    "a cluster's API that is open to everyone by name": (
        {"cluster": {"endpoint": {"kind": "authorized_ranges", "ranges": ["0.0.0.0/0"]}}},
        "cluster.endpoint.ranges.0",
        "'0.0.0.0/0'",
        "lets everyone in",
        "list the ranges",
    ),
    "a cluster's API for no one": (
        {"cluster": {"endpoint": {"kind": "authorized_ranges", "ranges": []}}},
        "cluster.endpoint.ranges",
        "[]",
        "has 0 entries, 1 is the least",
        "",
    ),
    "no kind of endpoint": ({"cluster": {"endpoint": {}}}, "cluster.endpoint.kind", "", "is missing", "'private'"),
    "a machine that is none": (
        {"cluster": {"system_nodes": {"machine_size": "D4ds_v5"}}},
        "cluster.system_nodes.machine_size",
        "'D4ds_v5'",
        "is no machine size",
        "use one like Standard_D4ds_v5",
    ),
    "a machine with one processor": (
        {"cluster": {"system_nodes": {"machine_size": "Standard_B1ms"}}},
        "cluster.system_nodes.machine_size",
        "'Standard_B1ms'",
        "of 2 or more processors",
        "use one like",
    ),
    "a system disk where there is none": (
        {"cluster": {"airflow_nodes": {"machine_size": "Standard_D4s_v5"}}},
        "cluster.airflow_nodes.disk",
        "'ephemeral'",
        "needs a local disk, which Standard_D4s_v5 has not",
        'use "managed"',
    ),
    "fewer nodes at most than at least": (
        {"cluster": {"task_nodes": {"nodes_min": 5, "nodes_max": 2}}},
        "cluster.task_nodes.nodes_max",
        "2",
        "is below nodes_min (5)",
        "use at least that many",
    ),
    "a group by its name": (
        {"cluster": {"admin_groups": ["data-team"]}},
        "cluster.admin_groups.0",
        "'data-team'",
        "does not match",
        "of that form",
    ),
    "a size that PostgreSQL is not sold in": (
        {"database": {"size": "Standard_D3ds_v5"}},
        "database.size",
        "'Standard_D3ds_v5'",
        "is no size of Flexible Server",
        "use one like Standard_B2s",
    ),
    "a shared processor with a second server in another zone": (
        {"database": {"high_availability": "zone_redundant"}},
        "database.high_availability",
        "'zone_redundant'",
        "is not for the Burstable size Standard_B2s",
        "a size like Standard_D2ds_v5",
    ),
    "a shared processor with a second server in the same zone": (
        {"database": {"size": "Standard_B4ms", "high_availability": "same_zone"}},
        "database.high_availability",
        "'same_zone'",
        "is not for the Burstable size Standard_B4ms",
        'use "none"',
    ),
    "a second zone where there is one": (
        {"location": "westus", "database": {**GENERAL, "high_availability": "zone_redundant"}},
        "database.high_availability",
        "'zone_redundant'",
        "takes availability zones, which westus has not",
        'use "same_zone"',
    ),
    "backups in a pair that there is not": (
        {"location": "polandcentral", "database": {"geo_redundant_backup": True}},
        "database.geo_redundant_backup",
        "True",
        "takes a paired location, which polandcentral has not",
        "set it to false",
    ),
    "a disk between two sizes": (
        {"database": {"disk_gib": 100}},
        "database.disk_gib",
        "100",
        "is no size that disks of Flexible Server have",
        "use one of 32, 64, 128",
    ),
    "backups for less than Azure keeps": (
        {"database": {"backup_days": 3}},
        "database.backup_days",
        "3",
        "is below 7, the least",
        "use 7",
    ),
    "copies in zones that there are not": (
        {"location": "westus", "storage": {"redundancy": "zrs"}},
        "storage.redundancy",
        "'zrs'",
        "takes availability zones",
        'use "lrs"',
    ),
    "copies in a pair that there is not": (
        {"location": "italynorth", "storage": {"redundancy": "gzrs"}},
        "storage.redundancy",
        "'gzrs'",
        "takes a paired location",
        'use "zrs"',
    ),
    "fast shares with copies in the pair": (
        {"storage": {"redundancy": "gzrs"}, "shares": {"tier": "premium"}},
        "shares.tier",
        "'premium'",
        "has no copies in the paired location",
        'use "standard"',
    ),
    "NFS on hard disks": (
        {"shares": {"protocol": "nfs"}},
        "shares.tier",
        "'standard'",
        "has no shares by NFS",
        'use "premium"',
    ),
    "a firewall's range that is too small": (
        {"storage": {"allowed_ranges": ["203.0.113.6/31"]}},
        "storage.allowed_ranges",
        "'203.0.113.6/31'",
        "is no range that a storage account's firewall takes",
        "one by one",
    ),
    "a window on no day": (
        {"maintenance": {"day": "someday"}},
        "maintenance.day",
        "'someday'",
        "is not known here",
        "'monday'",
    ),
    "a key of the other cloud": ({"project": "x"}, "project", "'x'", "not known here", "known here: kind, subscr"),
}
"""Every way to be wrong by itself."""


def faults(stack: dict[str, Any]) -> list[str]:
    texts, secret = raw(stack)
    with pytest.raises(SettingsError) as refused:
        reading.parse(texts, secret=secret)
    return [line.strip() for line in str(refused.value).splitlines()[1:]]


def accepted(stack: dict[str, Any]) -> Settings:
    return reading.parse(raw(stack)[0])


@pytest.mark.parametrize("case", CASES)
def test_a_report_names_key_value_rule_and_remedy_of(case: str) -> None:
    cloud, key, value, rule, remedy = CASES[case]
    [line] = faults(config("celery", cloud_with=cloud))
    told, _, help_ = line.rpartition("; ")
    assert told.startswith(f"{KEY}.{key}: {value} " if value else f"{KEY}.{key} ")
    assert rule in told
    assert remedy in help_


@pytest.mark.parametrize(("section", "kind"), [("logs", "volume"), ("dags", "share")])
def test_a_share_is_no_smaller_than_its_tier_has_them(section: str, kind: str) -> None:
    def stack(size_gib: int, **cloud: Any) -> dict[str, Any]:
        return config("celery", cloud_with=cloud, **{section: {"kind": kind, "size_gib": size_gib}})

    [line] = faults(stack(50, shares={"tier": "premium"}))
    assert line.startswith(f"airflow:{section}.size_gib: 50 is below 100, the least that a premium share has;")
    assert 'shares.tier "standard"' in line
    [line] = faults(stack(99, **NFS))
    assert "standard" not in line
    accepted(stack(100, **NFS))
    accepted(stack(1))


def test_production_data_is_not_left_without_protection() -> None:
    stack = config("kubernetes", cloud_with={"production_data": True})
    [line] = faults(stack)
    assert line.startswith("airflow:protect: False leaves the data of production, which airflow:cloud.production_data")
    assert "set it to true, or production_data to false" in line
    accepted({**stack, "airflow:protect": "true"})


def test_every_fault_of_a_cloud_is_in_one_report() -> None:
    wrong = {
        "location": "nowhere",
        "network": {"nodes": "1.2.3.4/24"},
        "cluster": {"tier": "gold"},
        "database": {"size": "large"},
        "shares": {"protocol": "nfs"},
    }
    keys = {line.split(" ")[0].rstrip(":") for line in faults(config("celery", cloud_with=wrong))}
    assert keys == {
        f"{KEY}.{key}" for key in ("location", "network.nodes", "cluster.tier", "database.size", "shares.tier")
    }


def test_subscription_and_location_are_enough() -> None:
    cloud = accepted(config("celery")).cloud
    assert isinstance(cloud, AzureCloud)
    assert cloud.node_zones == ["1", "2", "3"]
    assert [line.split(" ")[0] for line in faults({**config("celery"), KEY: {"kind": "azure"}})] == [
        f"{KEY}.subscription_id",
        f"{KEY}.location",
    ]


@pytest.mark.parametrize("location", catalogue.LOCATIONS)
def test_every_location_is_accepted_with_nothing_else_set(location: str) -> None:
    cloud = accepted(config("kubernetes", cloud_with={"location": location})).cloud
    assert isinstance(cloud, AzureCloud)
    assert bool(cloud.node_zones) == catalogue.has_zones(location)


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
        with pytest.raises(ValueError, match="is no size of PostgreSQL"):
            catalogue.max_connections(size)


@given(st.integers(8, 30), st.integers(0, 2**16 - 1), st.sampled_from(["nodes", "database", "pods", "services"]))
def test_address_ranges_are_refused_or_leave_the_network_in_order(prefix: int, start: int, name: str) -> None:
    """Whatever is accepted: subnets lie in the network, nothing else does, and no two share an address."""
    from ipaddress import IPv4Network

    network = IPv4Network((int(IPv4Network("10.0.0.0/8").network_address) + (start << 8), prefix), strict=False)
    try:
        settings = reading.parse(raw(config("kubernetes", cloud_with={"network": {name: str(network)}}))[0])
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
