"""The commands of docs/operations/runbook.md for an `up` that was killed, on the real engine and a simulated cloud."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import Any, Final

import pytest

from lab.clouds.gcp import tokens
from lab.engine.stack import Stack
from lab.testing.cloud_program import CloudTrial, cloud_trial, declared
from lab.testing.gcp import PROJECT, REGION

BEGINS_SECONDS: Final = 120.0
POLL_SECONDS: Final = 0.2
UNKNOWN: Final = "network"
"""The resource whose creation has begun when the engine is killed."""


@pytest.fixture(scope="module")
def killed(engine: Any, python: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> CloudTrial:
    """A stack whose first `up` was killed while the cloud had not answered yet."""
    folder = tmp_path_factory.mktemp("killed") / "trial"
    made = cloud_trial(engine.tools, python, folder, "gcp", {"project": PROJECT, "region": REGION}, enabled=["compute"])
    made.declare(
        {
            "api": declared(tokens.SERVICE, {"service": "compute.googleapis.com", "disableOnDestroy": False}),
            UNKNOWN: declared(tokens.NETWORK, {}, outputs=["name"], after=["api"]),
        }
    )
    made.plan({"op": "create", "type": tokens.NETWORK, "nth": 1, "kind": "hang"})
    _killed_up(made.stack)
    made.plan()
    return made


def _killed_up(stack: Stack) -> None:
    """Run `pulumi up`, and kill the engine and its plugins as soon as the creation is pending in the state."""
    with subprocess.Popen(
        ["pulumi", "--non-interactive", "up", "--yes", "--skip-preview", "--stack", stack.name],
        cwd=stack.folder,
        env=dict(stack.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as child:
        try:
            deadline = time.monotonic() + BEGINS_SECONDS
            while not _pending(stack):
                assert child.poll() is None, "up ended before the creation began"
                assert time.monotonic() < deadline, "the creation did not begin"
                time.sleep(POLL_SECONDS)
        finally:
            os.killpg(child.pid, signal.SIGKILL)


def _pending(stack: Stack) -> list[str]:
    """Logical names of the pending operations in the state."""
    operations = stack.state().get("pending_operations") or []
    return [operation["resource"]["urn"].rpartition("::")[2] for operation in operations]


def test_a_killed_up_is_unlocked_cleared_and_continued(killed: CloudTrial) -> None:
    """The commands in the order of the runbook; each is seen to be needed."""
    stack = killed.stack
    locked = stack.up(check=False)
    assert locked.code != 0
    assert "the stack is currently locked by" in locked.stdout + locked.stderr

    stack.pulumi("cancel", "--yes", "--stack", stack.name)
    stack.refresh()
    assert _pending(stack) == [UNKNOWN], "a refresh without a terminal keeps what it cannot decide"

    stack.refresh("--clear-pending-creates")
    assert _pending(stack) == []
    assert UNKNOWN not in killed.names() | killed.recorded()

    assert stack.up().changes() == {"create": {UNKNOWN}}
    assert UNKNOWN in killed.names() & killed.recorded()
    stack.preview("--expect-no-changes")
