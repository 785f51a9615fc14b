"""The simulated Azure under the real engine: a life cycle, concurrent operations, drift."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.clouds.latency import SPEED_VARIABLE
from lab.testing.azure import resources, token_of
from lab.testing.azure_examples import EXAMPLES, PASSWORD, SERVER, SUBSCRIPTION, VNET
from lab.testing.cloud_program import CloudTrial, cloud_trial


@pytest.fixture
def trial(engine: Any, python: dict[str, str], tmp_path: Path) -> Callable[..., CloudTrial]:
    def make(resources: dict[str, Any], speed: str = "inf") -> CloudTrial:
        made = cloud_trial(engine.tools, python, tmp_path / "trial", "azure-native", {"subscriptionId": SUBSCRIPTION})
        made.stack.environment[SPEED_VARIABLE] = speed
        return made.declare(resources)

    return make


def test_a_stack_of_everything_lives_from_preview_to_destroy_and_leaves_nothing(
    trial: Callable[..., CloudTrial],
) -> None:
    made = trial(resources(*EXAMPLES))
    planned = made.stack.preview().changes()["create"]
    assert made.inventory.read().items == {}
    assert made.stack.up().changes()["create"] == planned
    assert made.recorded() == planned - {"cloud"}
    made.stack.preview("--expect-no-changes")
    # AKS lists all pools in the cluster, including separate ones: the plugin treats that as a change once,
    # https://github.com/pulumi/pulumi-azure-native/issues/1532.
    made.stack.refresh()
    assert made.stack.up().changes() == {"update": {"cluster"}}
    made.stack.refresh("--expect-no-changes")
    made.stack.preview("--expect-no-changes")
    kept = "".join(path.read_text() for path in made.inventory.folder.iterdir())
    assert PASSWORD not in kept + json.dumps(made.stack.state())
    made.stack.destroy()
    assert made.inventory.read().items == {}


def test_subnets_of_one_network_made_at_once_wait_for_each_other(trial: Callable[..., CloudTrial]) -> None:
    made = trial(resources("database subnet", "endpoints"), speed="40")
    made.stack.up()
    made.stack.destroy()
    assert made.inventory.read().items == {}
    assert {call.outcome for call in made.journal.calls()} == {"ok"}


def test_two_operations_at_once_on_a_server_are_one_too_many(trial: Callable[..., CloudTrial]) -> None:
    # A server that has been there for a while.
    made = trial(resources("server"))
    made.stack.up()
    made.stack.environment[SPEED_VARIABLE] = "400"
    made.declare(resources("database", "parameter"))
    # Three seconds, in place of hundredths: long enough to meet on any machine.
    made.plan(
        *(
            {"op": "create", "type": token_of(name), "kind": "late", "seconds": 1200}
            for name in ("database", "parameter")
        )
    )
    run = made.stack.up(check=False)
    assert run.code != 0
    assert 'Code="ServerIsBusy"' in run.stdout + run.stderr
    made.stack.up()
    made.stack.preview("--expect-no-changes")


def test_a_new_server_refuses_its_first_database_and_takes_it_when_asked_again(
    trial: Callable[..., CloudTrial],
) -> None:
    """Although it is said to be there, and the plugin does not ask twice."""
    made = trial(resources("database"), speed="400")
    run = made.stack.up(check=False)
    assert run.code != 0
    assert 'Code="ServerIsBusy"' in run.stdout + run.stderr
    made.stack.up()
    asked = [call.outcome for call in made.journal.calls("create") if call.type == token_of("database")]
    assert [outcome == "ok" for outcome in asked] == [False, True]


def test_a_disk_that_has_grown_is_faster_which_is_a_difference_unless_it_is_ignored(
    trial: Callable[..., CloudTrial],
) -> None:
    made = trial(resources("server"))
    made.stack.up()
    made.inventory.drift(SERVER, "storage.iops", 1100)
    made.stack.refresh()
    assert made.stack.preview().changes() == {"update": {"server"}}


def test_what_others_change_is_a_difference_only_where_the_program_says_something(
    trial: Callable[..., CloudTrial],
) -> None:
    made = trial(resources("vnet"))
    made.stack.up()
    made.inventory.drift(VNET, "flowTimeoutInMinutes", 4)
    made.stack.refresh()
    made.stack.preview("--expect-no-changes")
    made.inventory.drift(VNET, "location", "northeurope")
    made.stack.refresh()
    assert "vnet" in made.stack.preview().changes()["replace"]
