"""Each setting changed alone, on deployed stacks: one preview for each key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

import pytest

from components.settings.azure.cloud import AzureCloud
from components.settings.gcp.cloud import GcpCloud
from components.settings.stack import Settings
from components.settings.types import Model
from docs.settings import rows
from lab.clouds.gcp.resource import QUOTAS_VARIABLE
from lab.engine.stack import Run
from lab.testing.cluster import TestCluster
from tests.engine.cloud_stacks import CloudLife, Clouds, altered, furnished
from tests.engine.settings_effects import Effect, Flips, Protected, Refused, effect
from tests.engine.settings_flips_airflow import FLIPS as AIRFLOW
from tests.engine.settings_flips_azure import BASE as AZURE_BASE
from tests.engine.settings_flips_azure import FLIPS as AZURE
from tests.engine.settings_flips_gcp import BASE as GCP_BASE
from tests.engine.settings_flips_gcp import FLIPS as GCP
from tests.engine.settings_flips_people import FLIPS as PEOPLE
from tests.engine.settings_flips_pods import FLIPS as PODS
from tests.engine.settings_flips_projects import FLIPS as PROJECTS

SIDE_BY_SIDE: Final = 2
"""Number of parallel previews: one for each core."""
APPLIED: Final = ""
"""Placeholder for tests of no single key."""
TOGETHER: Final = "all together"
FREE: Final = "protection taken away"
ANEW: Final = "made anew"
EXCLUDING: Final = frozenset(
    {"cloud.cluster.endpoint.kind", "cloud.database.high_availability", "cloud.storage.redundancy"}
)
"""Changes that exclude another one: of an endpoint's ranges, of recovery to a point in time, of the tier of shares."""
FIRST_POOL: Final = frozenset(
    {
        "cloud.cluster.encryption_at_host",
        "cloud.cluster.system_nodes.disk",
        "cloud.cluster.system_nodes.disk_gib",
        "cloud.cluster.system_nodes.machine_type",
        "cloud.zones",
    }
)
"""Changes of the pool inside an AKS cluster that Azure refuses. To plan a new cluster for them, the engine would have
to compare entries of a list by their index, and after a refresh an index may be another pool's."""
APART: Final = EXCLUDING | FIRST_POOL
REPLACED: Final = frozenset(
    {
        "cloud.bigquery.datasets[].location",
        "cloud.bigquery.datasets[].name",
        "cloud.broker_disk.kept",
        "cloud.database.geo_redundant_backup",
        "cloud.network.database",
        "cloud.registry",
        "cloud.shares.tier",
    }
)
"""Changes that protection refuses and that, without it, replace less than a cluster."""
ASKED_FOR: Final = {"CPUS": 96, "SSD_TOTAL_GB": 2048}
"""Quotas that the projects of these stacks have been given on request: all changes together take more than a new one
has."""
FLIP_SECONDS: Final = 580.0
"""How long a test waits for its preview, those before it included."""


@dataclass(frozen=True)
class Base:
    """A stack file with everything in it that settings are about."""

    stack: str
    changes: Mapping[str, Any]
    flips: Flips
    keys: frozenset[str]
    """The keys that must have a row."""


def _keys(model: type[Model], prefix: str) -> frozenset[str]:
    return frozenset(row.key for row in rows(model, prefix) if not row.key.startswith("cloud.") or prefix)


BASES: Final = {
    "gcp": Base(
        "gcp-celery-kubernetes",
        GCP_BASE,
        {**GCP, **AIRFLOW, **PEOPLE, **PODS, **PROJECTS},
        _keys(GcpCloud, "cloud.") | _keys(Settings, "") | {"cloud.kind"},
    ),
    "azure": Base("azure-celery-kubernetes", AZURE_BASE, AZURE, _keys(AzureCloud, "cloud.")),
}


@dataclass(frozen=True)
class Flipped:
    """The previews of one base stack."""

    life: CloudLife
    previews: Mapping[str, Future[Run]]
    applied: Future[Mapping[str, Run]] | None
    """Checks of the cloud that previews cannot do occur in an `up` with all changes that previews accept, and without
    protection in one with the changes that protection refuses."""

    def effect(self, key: str) -> Effect:
        """The effect of changing this key."""
        return effect(self.life, self.previews[key].result(FLIP_SECONDS))


def flipped(config: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """A config with another value at a key; `None` removes it."""
    return altered(config, **{key.removesuffix(".kind").replace(".", "__"): value})


@pytest.fixture(scope="session")
def flip_clouds(
    cluster: TestCluster, engine: Any, python: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Clouds:
    """The environment of these stacks."""
    variables = furnished(cluster, engine.tools, tmp_path_factory.mktemp("flips"), python)
    variables[QUOTAS_VARIABLE] = json.dumps(ASKED_FOR)
    return Clouds(cluster, variables, tmp_path_factory)


@pytest.fixture(scope="session")
def flips(request: pytest.FixtureRequest, flip_clouds: Clouds) -> Iterator[Mapping[str, Flipped]]:
    """The deployed stacks of selected tests, and a preview for each requested key."""
    asked: dict[str, list[str]] = {}
    for item in request.session.items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if "flips" in getattr(item, "fixturenames", ()):
            asked.setdefault(parameters["base"], []).append(parameters.get("key", APPLIED))
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        lives = {base: pool.submit(_standing, flip_clouds, BASES[base]) for base in asked}
        found: dict[str, Flipped] = {}
        for base, chosen in asked.items():
            life = lives[base].result(FLIP_SECONDS)
            values = {key: BASES[base].flips[key].value for key in chosen if key != APPLIED}
            previews = {key: pool.submit(_preview, life, key, value) for key, value in values.items()}
            last = pool.submit(_applied, life, BASES[base].flips, previews) if APPLIED in chosen else None
            found[base] = Flipped(life, previews, last)
        yield found
        pool.shutdown(cancel_futures=True)


def _standing(clouds: Clouds, base: Base) -> CloudLife:
    life = clouds.born(base.stack, **base.changes)
    life.run("up", "up")
    assert (life.runs["up"].code, life.runs["up"].messages()) == (0, [])
    return life


def _preview(life: CloudLife, key: str, value: Any) -> Run:
    wanted = life.with_config(flipped(life.config, key, value), f"flip-{key.replace('.', '-')}")
    return life.stack.preview(*wanted, check=False)


def _applied(life: CloudLife, flips: Flips, previews: Mapping[str, Future[Run]]) -> Mapping[str, Run]:
    wait(previews.values())
    config = dict(life.config)
    for key, flip in flips.items():
        if key.startswith("cloud.") and key not in APART and not isinstance(flip.effect, Refused | Protected):
            config = flipped(config, key, flip.value)
    life.run(TOGETHER, "up", *life.with_config(config, "together"))
    config = altered(config, protect=False, cloud__production_data=False)
    life.run(FREE, "up", *life.with_config(config, "free"))
    for key in REPLACED & flips.keys():
        config = flipped(config, key, flips[key].value)
    life.run(ANEW, "up", *life.with_config(config, "anew"))
    return life.runs
