"""Permissions that the preflight asks for: those of the resources that a stack has."""

from __future__ import annotations

from components.cloud.preflight import google
from components.contract.requirements import requirements
from components.settings import loader
from components.settings.gcp.cloud import GcpCloud
from tests.unit.recording.recorder import raw
from tests.unit.recording.stacks_gcp import Config, config


def permissions(stack: Config) -> dict[str, str]:
    settings = loader.read(raw(stack)[0])
    assert isinstance(settings.cloud, GcpCloud)
    return google.permissions(settings.cloud, requirements(settings))


def test_datasets_need_a_role_that_only_a_stack_with_datasets_asks_for() -> None:
    with_datasets = permissions(config("celery", cloud_with={"bigquery": {"datasets": [{"name": "citibike"}]}}))
    owner = "roles/bigquery.dataOwner"
    assert dict(with_datasets.items() - permissions(config("celery")).items()) == {
        "bigquery.datasets.create": owner,
        "bigquery.datasets.update": owner,
    }
