"""What steps print, on a terminal and elsewhere."""

from __future__ import annotations

import sys
import time

import pytest

from lab import progress
from lab.engine.watched import Progress

Event = dict[str, dict[str, dict[str, object]]]


def event(kind: str, name: str, op: str = "create", *, custom: bool = True) -> Event:
    urn = f"urn:pulumi:local::airflow::kubernetes:core/v1:Secret::{name}"
    return {kind: {"metadata": {"op": op, "urn": urn, "new": {"custom": True} if custom else {}}}}


def test_operations_are_counted_and_the_longest_one_is_named() -> None:
    counted = Progress()
    assert str(counted) == "0 done"
    for each in (
        event("resourcePreEvent", "the stack itself", custom=False),
        event("resourcePreEvent", "namespace"),
        event("resourcePreEvent", "cluster"),
        event("resourcePreEvent", "unchanged", "same"),
        event("resOutputsEvent", "unchanged", "same"),
        event("resOutputsEvent", "namespace"),
        event("resourcePreEvent", "database"),
    ):
        counted.take(each)
    assert str(counted) == "1 done, waits for cluster"
    counted.take(event("resOpFailedEvent", "cluster"))
    counted.take(event("resOutputsEvent", "database"))
    assert str(counted) == "3 done"


def test_without_a_terminal_a_step_has_a_line_at_its_start_and_one_at_its_end(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.05)
    with progress.step("Build") as step:
        step.show("3 done")
        time.sleep(0.2)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "• Build …"
    assert "  Build: 0 s so far, 3 done" in lines
    assert lines[-1] == "✓ Build (0.2 s)"


def test_on_a_terminal_a_step_is_one_line_that_changes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(progress, "LIVE_SECONDS", 0.02)
    with progress.step("Build") as step:
        step.show("3 done")
        time.sleep(0.1)
        progress.say("a message")
    printed = capsys.readouterr().err
    shown = [line.rpartition("\x1b[2K")[2] for line in printed.split("\n")[:-1]]
    assert shown == ["a message", "✓ Build (0.1 s)"]
    assert "• Build … 0 s, 3 done" in printed


def test_a_step_that_fails_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="wrong"), progress.step("Build"):
        raise ValueError("wrong")
    assert capsys.readouterr().err.splitlines()[-1].startswith("✗ Build: failed after ")
