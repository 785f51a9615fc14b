"""The exact resources of the cloud layer on Azure, and the modules that it loads."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Final

import pytest

from tests.unit.cloud.azure.inventory import INVENTORY
from tests.unit.recording import recorder
from tests.unit.recording.recorder import Recording
from tests.unit.recording.stacks import recorded
from tests.unit.recording.stacks_azure import ROOT, STACKS

UNNAMED: Final = {"azure, every name as long as it may be": "its names say nothing; it has the parts of others"}


def contents(recording: Recording) -> set[tuple[str, str]]:
    """The cloud's own resources; Airflow's resources are the same on every cloud."""
    return {(f.type, f.name) for f in recording.registrations if f.name.startswith("airflow-cloud")}


@pytest.mark.parametrize("stack", INVENTORY)
def test_the_cloud_layer_consists_of_exactly_its_inventory(stack: str) -> None:
    assert contents(recorded(stack)) == INVENTORY[stack]


def test_every_stack_has_an_inventory() -> None:
    assert INVENTORY.keys() | UNNAMED.keys() == STACKS.keys()


def test_a_preview_of_an_empty_stack_shows_every_resource() -> None:
    stack = "azure, protected with everything"
    preview = recorder.run(STACKS[stack], preview=True)
    assert preview.error is None
    assert contents(preview) == INVENTORY[stack]


def test_every_resource_of_the_cloud_is_given_the_stacks_own_provider() -> None:
    """The default provider would use subscription and location of the machine's login."""
    for stack in STACKS:
        recording = recorded(stack)
        [provider] = recording.of_type("azure-native")
        cloud = recording.config["airflow:cloud"]
        assert provider.plain["subscriptionId"] == cloud["subscription_id"]
        assert provider.plain["location"] == cloud["location"]
        found = [f for f in recording.registrations if f.type.startswith("azure-native:")]
        assert [f.name for f in found if f.provider != f"{provider.urn}::{provider.name}-id"] == []
        assert len(found) >= 20


def test_a_stack_on_azure_loads_no_sdk_of_another() -> None:
    program = f"""
import json, sys
from tests.unit.recording import recorder
recording = recorder.run(json.loads({json.dumps(json.dumps(STACKS["azure, protected with everything"]))}))
assert recording.error is None, recording.error
print(sorted({{name.split(".")[0] for name in sys.modules if name.startswith(("pulumi_gcp", "pulumi_azure"))}}))
"""
    loaded = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert loaded.stdout.strip() == "['pulumi_azure_native']"
