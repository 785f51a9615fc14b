"""Error hooks under the real engine: what is late in a simulated cloud is waited for, as long as the program runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from cloud_gcp import PROJECT, REGION
from cloud_program import CloudTrial, cloud_trial, declared

from lab.clouds.gcp import tokens

LATE: Final = {"what": "the cloud", "patterns": ["is not ready"], "bound_seconds": 60}
REFUSAL: Final = {"type": tokens.NETWORK, "kind": "error", "message": "net is not ready"}


@pytest.fixture
def trial(engine: Any, python: dict[str, str], tmp_path: Path) -> Callable[..., CloudTrial]:
    def make(late: dict[str, Any]) -> CloudTrial:
        made = cloud_trial(engine.tools, python, tmp_path / "trial", "gcp", {"project": PROJECT, "region": REGION})
        return _declared(made, late)

    return make


def _declared(made: CloudTrial, late: dict[str, Any], **changes: Any) -> CloudTrial:
    api = declared(tokens.SERVICE, {"service": "compute.googleapis.com", "disableOnDestroy": False})
    return made.declare({"api": api, "network": declared(tokens.NETWORK, changes, after=["api"])}, [late])


def test_refused_creates_updates_and_deletes_are_repeated_while_the_program_runs(
    trial: Callable[..., CloudTrial],
) -> None:
    made = trial(LATE)
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
    made = trial(LATE)
    made.stack.up()
    made.plan({**REFUSAL, "op": "delete"})
    run = made.stack.destroy(check=False)
    assert run.code != 0
    assert any("net is not ready" in message for message in run.messages())
    assert made.names() == {"api", "network"}
    made.stack.destroy()
    assert made.inventory.read().items == {}


def test_what_stays_late_fails_when_its_bound_is_reached(trial: Callable[..., CloudTrial]) -> None:
    made = trial({**LATE, "bound_seconds": 2})
    made.plan({**REFUSAL, "op": "create", "times": 0})
    run = made.stack.up(check=False)
    assert run.code != 0
    assert any("gave up waiting for the cloud after 2 seconds" in message for message in run.messages("warning"))
    assert [call.name for call in made.journal.calls("create")].count("network") == 3
