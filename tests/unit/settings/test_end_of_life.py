"""No default is an unmaintained version, by the dates of docs/end-of-life.csv."""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import pytest

from components.settings import postgres_versions
from components.settings.azure import cloud as azure
from components.settings.existing.cloud import InClusterDatabase
from components.settings.gcp import cloud as gcp
from components.settings.sections.executor import Broker
from components.settings.sections.image import Image
from lab.images import debian_base, names, wheels
from lab.node.programs import KUBERNETES_VERSION
from tests.unit.recording.stacks import ROOT

TABLE: Final = "docs/end-of-life.csv"
BELIEVED: Final = timedelta(days=365)
"""Time after which "no end is announced" must be checked again."""


def rows() -> dict[tuple[str, str], dict[str, str]]:
    with (ROOT / TABLE).open() as file:
        return {(row["product"], row["version"]): row for row in csv.DictReader(file)}


def default(model: type[Any], key: str) -> str:
    """The default of a setting."""
    return str(model.model_fields[key].default)


def tagged(image: str) -> str:
    """The version in the tag of an image, without the suite that it stands on."""
    return image.rpartition(":")[2].partition("-")[0]


def used() -> Iterator[tuple[str, str, str]]:
    """The product, version and setting of a default or allowed value."""
    yield "Airflow", default(Image, "version").partition(".")[0], "image.version"
    yield "Airflow", tagged(default(Image, "reference")).partition(".")[0], "image.reference"
    yield "PostgreSQL", tagged(default(InClusterDatabase, "image")), "cloud.database.image"
    yield "PostgreSQL", tagged(names.POSTGRES), "the lab's PostgreSQL image"
    yield "PostgreSQL", default(gcp.Database, "version"), "cloud.database.version (GCP)"
    yield "PostgreSQL", default(azure.Database, "version"), "cloud.database.version (Azure)"
    for version in range(postgres_versions.OLDEST, postgres_versions.NEWEST + 1):
        yield "PostgreSQL", str(version), "allowed for cloud.database.version"
    broker = default(Broker, "image")
    assert broker.startswith("valkey/valkey:"), "add the new broker's product to the table and to this test"
    yield "Valkey", tagged(broker), "executor.broker.image"
    yield "Valkey", tagged(names.VALKEY), "the lab's broker image"
    yield "Debian", debian_base.SUITE, "base of the lab's images"
    yield "Python", wheels.PYTHON, "the lab's Airflow image"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    yield "Python", project["requires-python"].removeprefix(">="), "requires-python of pyproject.toml"
    for classifier in project["classifiers"]:
        yield "Python", classifier.rpartition(" ")[2], "classifiers of pyproject.toml"
    yield "Kubernetes", KUBERNETES_VERSION.rpartition(".")[0], "the lab's node"


def past(product: str, version: str, today: date) -> str | None:
    """The reason why a version must not be used on a day; None if it may be."""
    row = rows().get((product, version))
    if row is None:
        return f"{product} {version} has no row in {TABLE}: look up when its support ends, and add it"
    if row["end"]:
        ended = date.fromisoformat(row["end"])
        return f"support of {product} {version} ended on {ended} ({row['source']})" if ended < today else None
    if date.fromisoformat(row["looked_up"]) + BELIEVED < today:
        return f"{product} {version} had no end on {row['looked_up']}: look again ({row['source']}), and renew the date"
    return None


def test_no_default_and_no_allowed_version_is_past_its_end() -> None:
    today = datetime.now(tz=UTC).date()
    assert [f"{place}: {why}" for product, version, place in used() if (why := past(product, version, today))] == []


@pytest.mark.parametrize(
    ("product", "version", "today", "expected"),
    [
        ("PostgreSQL", "14", date(2026, 11, 12), None),
        ("PostgreSQL", "14", date(2026, 11, 13), "ended on 2026-11-12"),
        ("PostgreSQL", "13", date(2026, 1, 1), "has no row"),
        ("Airflow", "3", date(2027, 11, 27), None),
        ("Airflow", "3", date(2027, 11, 28), "look again"),
    ],
)
def test_the_day_after_the_end_a_version_is_named(
    product: str, version: str, today: date, expected: str | None
) -> None:
    why = past(product, version, today)
    assert (why is None) == (expected is None)
    assert (expected or "") in (why or "")


def test_every_row_names_its_source_and_days_that_exist() -> None:
    offenders = []
    for key, row in rows().items():
        if not row["source"] or not date.fromisoformat(row["looked_up"]):
            offenders.append(key)
        elif row["end"]:
            date.fromisoformat(row["end"])
    assert offenders == []
