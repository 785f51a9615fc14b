"""BigQuery datasets of a stack on Google Cloud."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Final

from pydantic import AfterValidator, Field, field_validator

from components.settings.gcp import regions
from components.settings.types import Model

MULTI_REGIONS: Final = ("EU", "US")
"""Locations of several regions, https://cloud.google.com/bigquery/docs/locations#multi-regions."""


def _location(text: str) -> str:
    """The location, if datasets can be there.

    Raises:
        ValueError: they cannot; "rule; remedy".
    """
    if text in regions.ZONES or text in MULTI_REGIONS:
        return text
    near = get_close_matches(text, regions.ZONES, n=1)
    hint = f"did you mean {near[0]}" if near else f"use a region, or {' or '.join(MULTI_REGIONS)}"
    raise ValueError(f"is not a location of BigQuery; {hint}")


DatasetName = Annotated[
    str, Field(pattern=r"^[0-9A-Za-z_]{1,1024}\Z", title="name of a dataset: up to 1024 letters, digits and _")
]
"""https://cloud.google.com/bigquery/docs/datasets#dataset-naming."""
Location = Annotated[str, AfterValidator(_location), Field(title="region of Google Cloud, EU or US")]


class Dataset(Model):
    """One dataset, to which all tasks can write."""

    name: DatasetName
    """Name of the dataset in the project. Upper and lower case differ."""
    location: Location | None = None
    """Where its tables are stored; default: the stack's region. A change deletes the dataset and creates another."""


class BigQuery(Model):
    """Datasets of BigQuery, to which tasks write by workload identity: without a key, with `google_cloud_default`."""

    datasets: Annotated[tuple[Dataset, ...], Field(strict=False, max_length=100)] = ()
    """Datasets that the stack creates; default: none."""

    @field_validator("datasets")
    @classmethod
    def _distinct(cls, datasets: tuple[Dataset, ...]) -> tuple[Dataset, ...]:
        names = [dataset.name for dataset in datasets]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"contains {twice[0]!r} twice; list each dataset once")
        return datasets
