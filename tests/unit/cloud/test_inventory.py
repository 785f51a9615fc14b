"""What the cloud layer consists of, exactly, and what it loads."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

import pytest

from tests.unit.cloud.clouds import CLOUDS, CloudRow, each_cloud, each_stack, resources
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import ROOT

UNNAMED: Final = {"every name as long as it may be": "its names say nothing; it has the parts of others"}
INVENTORIES: Final = [pytest.param(cloud, stack, id=stack) for cloud in CLOUDS for stack in cloud.inventory]
PREVIEWED: Final = [
    pytest.param(cloud, stack, id=stack) for cloud in CLOUDS for stack in (cloud.everything, f"{cloud.name}, celery")
]


def contents(recording: Recording) -> set[tuple[str, str]]:
    """The cloud's own resources; Airflow's resources are the same on every cloud."""
    return {(f.type, f.name) for f in recording.registrations if f.name.startswith("airflow-cloud")}


@pytest.mark.parametrize(("cloud", "stack"), INVENTORIES)
def test_the_cloud_layer_consists_of_exactly_its_inventory(cloud: CloudRow, stack: str) -> None:
    assert contents(cloud.recorded(stack)) == cloud.inventory[stack]


@each_cloud
def test_every_stack_has_an_inventory(cloud: CloudRow) -> None:
    unnamed = {f"{cloud.name}, {stack}" for stack in UNNAMED}
    assert cloud.inventory.keys() | unnamed == cloud.stacks.keys()


@pytest.mark.parametrize(("cloud", "stack"), PREVIEWED)
def test_a_preview_of_an_empty_stack_shows_every_resource(cloud: CloudRow, stack: str) -> None:
    preview = recorder.run(cloud.stacks[stack], preview=True)
    assert preview.error is None
    assert contents(preview) == cloud.inventory[stack]


@each_stack
def test_every_resource_of_the_cloud_is_given_the_stacks_own_provider(cloud: CloudRow, stack: str) -> None:
    """The default provider would use project and region of the machine's login."""
    recording = cloud.recorded(stack)
    [provider] = recording.of_type(cloud.provider)
    settings = recording.config["airflow:cloud"]
    told = {key: provider.plain[key] for key in cloud.provider_inputs}
    assert told == {key: settings[setting] for key, setting in cloud.provider_inputs.items()}
    found = resources(cloud, recording)
    assert [f.name for f in found if f.provider != f"{provider.urn}::{provider.name}-id"] == []
    assert len(found) >= cloud.resources_min


@each_cloud
def test_a_stack_on_one_cloud_loads_no_sdk_of_another(cloud: CloudRow) -> None:
    program = f"""
import json, sys
from tests.unit.recording import recorder
recording = recorder.run(json.loads({json.dumps(json.dumps(cloud.stacks[cloud.everything]))}))
assert recording.error is None, recording.error
print(sorted({{name.split(".")[0] for name in sys.modules if name.startswith(("pulumi_gcp", "pulumi_azure"))}}))
"""
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert loaded.stdout.strip() == f"['{cloud.sdk}']"
