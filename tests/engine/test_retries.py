"""Error hooks under the real engine: late changes of a simulated cloud are awaited while the program runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import pytest

from components.cloud.azure.database import BUSY
from components.cloud.gcp import lateness
from lab.clouds.gcp import tokens
from lab.clouds.latency import SPEED_VARIABLE
from lab.testing import azure, azure_examples
from lab.testing.cloud_program import CloudTrial, cloud_trial, declared
from lab.testing.gcp import PROJECT, REGION

LATE: Final = {"what": "the cloud", "patterns": ["is not ready"], "bound_seconds": 60}
HOOKS: Final = """
from components.cloud.retries import Late, retry_hook
hooks = pulumi.ResourceHookBinding(on_error=[retry_hook("late", Late(**{late!r}))])
"""
"""How the program waits for the cloud, given to the resources of a program that is data."""
REFUSAL: Final = {"type": tokens.NETWORK, "kind": "error", "message": "net is not ready"}


@pytest.fixture
def trial(engine: Any, python: dict[str, str], tmp_path: Path) -> Callable[..., CloudTrial]:
    def make(late: Mapping[str, Any], *enabled: str) -> CloudTrial:
        config = {"project": PROJECT, "region": REGION}
        made = cloud_trial(engine.tools, python, tmp_path / "trial", "gcp", config, enabled=enabled)
        return _declared(made, late)

    return make


def _declared(made: CloudTrial, late: Mapping[str, Any], **changes: Any) -> CloudTrial:
    api = declared(tokens.SERVICE, {"service": "compute.googleapis.com", "disableOnDestroy": False})
    return made.declare(
        {"api": api, "network": declared(tokens.NETWORK, changes, after=["api"])}, HOOKS.format(late=dict(late))
    )


def test_an_api_that_was_just_enabled_is_waited_for(trial: Callable[..., CloudTrial]) -> None:
    without = trial(LATE)
    run = without.stack.up(check=False)
    assert run.code != 0
    assert any(f"has not been used in project {PROJECT} before or it is disabled" in each for each in run.messages())
    with without.inventory.changing() as world:
        world.facts.clear()
        world.items.clear()
    _declared(without, asdict(lateness.API)).stack.up("--refresh")
    assert without.names() == {"api", "network"}


def test_refused_creates_updates_and_deletes_are_repeated_while_the_program_runs(
    trial: Callable[..., CloudTrial],
) -> None:
    made = trial(LATE, "compute")
    made.plan({**REFUSAL, "op": "create", "times": 2})
    run = made.stack.up()
    assert made.names() == {"api", "network"}
    assert sum("Waiting for the cloud, at most 60 seconds" in message for message in run.messages("info")) == 1

    made.plan({**REFUSAL, "op": "update"})
    assert _declared(made, LATE, routingMode="GLOBAL").stack.up().changes() == {"update": {"network"}}

    made.plan({**REFUSAL, "op": "delete"})
    made.stack.destroy("--run-program")
    assert made.inventory.read().items == {}


def test_a_destroy_without_the_program_has_no_hooks_and_says_what_the_cloud_said(
    trial: Callable[..., CloudTrial],
) -> None:
    made = trial(LATE, "compute")
    made.stack.up()
    made.plan({**REFUSAL, "op": "delete"})
    run = made.stack.destroy(check=False)
    assert run.code != 0
    assert any("net is not ready" in message for message in run.messages())
    assert made.names() == {"api", "network"}
    made.stack.destroy()
    assert made.inventory.read().items == {}


def test_what_stays_late_fails_when_its_bound_is_reached(trial: Callable[..., CloudTrial]) -> None:
    made = trial({**LATE, "bound_seconds": 2}, "compute")
    made.plan({**REFUSAL, "op": "create", "times": 0})
    run = made.stack.up(check=False)
    assert run.code != 0
    assert any("gave up waiting for the cloud after 2 seconds" in message for message in run.messages("warning"))
    assert [call.name for call in made.journal.calls("create")].count("network") == 3


def test_a_new_azure_server_is_asked_again_until_it_takes_its_database(
    engine: Any, python: dict[str, str], tmp_path: Path
) -> None:
    subscription = {"subscriptionId": azure_examples.SUBSCRIPTION}
    made = cloud_trial(engine.tools, python, tmp_path / "trial", "azure-native", subscription)
    made.stack.environment[SPEED_VARIABLE] = "400"
    made.declare(azure.resources("database"), HOOKS.format(late=asdict(BUSY))).stack.up()
    asked = [call.outcome for call in made.journal.calls("create") if call.type == azure.token_of("database")]
    assert [outcome == "ok" for outcome in asked] == [False, True]
