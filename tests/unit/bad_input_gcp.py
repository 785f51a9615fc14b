"""Every way in which settings of Google Cloud can be wrong, and what the report must say of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tests.unit import stacks_gcp

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
