"""Waiting for late changes of a cloud, with a simulated clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pulumi
import pytest

from components.cloud.retries import BOUND_MAX_SECONDS, Late, Waiting

API = Late(what="the API", patterns=[r"has not been used in project \S+ before"], bound_seconds=300)
ROLE = Late(what="the role", patterns=[r"Permission '[A-Za-z.]+' denied"], bound_seconds=120)
NOT_YET = "googleapi: Error 403: Compute Engine API has not been used in project p before or it is disabled."
DENIED = "googleapi: Error 403: Permission 'iam.serviceAccounts.actAs' denied on resource"
ENGINE_CALLS = 100
"""pulumi/pkg v3.274.1, resource/deploy/retries.go: maxErrorHookRetries."""


@dataclass
class Clock:
    """Time that passes only while the hook sleeps and a call runs."""

    time: float = 1000.0
    slept: list[float] = field(default_factory=list[float])

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def waiting(self, *latenesses: Late) -> Waiting:
        return Waiting(latenesses, now=self.now, sleep=self.sleep)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []

    def teller(level: str) -> Callable[[str], None]:
        return lambda text: lines.append(f"{level}: {text}")

    for level in ("info", "warn"):
        monkeypatch.setattr(pulumi.log, level, teller(level))
    return lines


def asked(waiting: Waiting, *newest_first: str, name: str = "network", operation: str = "create") -> bool:
    failed = pulumi.ErrorHookArgs(
        urn=f"urn:{name}", id="", name=name, type="t", failed_operation=operation, errors=[*newest_first]
    )
    return asyncio.run(waiting(failed))


def calls(waiting: Waiting, clock: Clock, message: str, takes_seconds: float = 0.0, name: str = "network") -> int:
    """The engine's number of calls when each is refused with the same message."""
    errors: list[str] = []
    while len(errors) < ENGINE_CALLS:
        clock.time += takes_seconds
        errors.insert(0, message)
        if not asked(waiting, *errors, name=name):
            return len(errors)
    raise AssertionError("the engine gave up, not the hook")


@pytest.mark.usefixtures("told")
def test_pauses_double_up_to_half_a_minute_and_end_at_the_bound() -> None:
    clock = Clock()
    assert calls(clock.waiting(API), clock, NOT_YET) == 15
    assert clock.slept[:7] == [1, 2, 4, 8, 16, 30, 30]
    assert clock.slept[-1] == 300 - 31 - 8 * 30
    assert sum(clock.slept) == 300


@pytest.mark.usefixtures("told")
def test_the_time_that_calls_take_counts() -> None:
    clock = Clock()
    calls(clock.waiting(API), clock, NOT_YET, takes_seconds=60)
    assert 300 <= clock.time - 1000 - 60 <= 360


@pytest.mark.usefixtures("told")
def test_the_longest_bound_is_reached_before_the_engine_gives_up() -> None:
    clock = Clock()
    longest = Late(what="it", patterns=["."], bound_seconds=BOUND_MAX_SECONDS)
    assert calls(clock.waiting(longest), clock, NOT_YET) <= ENGINE_CALLS - 2


@pytest.mark.parametrize("bound", [0, -1, BOUND_MAX_SECONDS + 1])
def test_a_bound_that_the_engine_cannot_keep_is_refused(bound: float) -> None:
    with pytest.raises(ValueError, match="bound"):
        Late(what="it", patterns=["."], bound_seconds=bound)


def test_another_error_ends_it_at_once(told: list[str]) -> None:
    clock = Clock()
    waiting = clock.waiting(API, ROLE)
    assert not asked(waiting, "Error 403: Quota 'NETWORKS' exceeded")
    assert asked(waiting, NOT_YET)
    # Only the newest message counts.
    assert not asked(waiting, "Error 403: Quota 'NETWORKS' exceeded", NOT_YET)
    assert clock.slept == [1]
    assert told == ["info: Waiting for the API, at most 5 minutes"]


@pytest.mark.usefixtures("told")
def test_each_lateness_has_a_bound_and_pauses_of_its_own() -> None:
    clock = Clock()
    waiting = clock.waiting(API, ROLE)
    errors = [NOT_YET] * 6
    for count in range(1, 7):
        assert asked(waiting, *errors[-count:])
    clock.time += 280
    assert asked(waiting, DENIED, *errors)
    assert clock.slept[-1] == 1


@pytest.mark.usefixtures("told")
def test_each_resource_and_each_operation_has_a_bound_of_its_own() -> None:
    clock = Clock()
    waiting = clock.waiting(API)
    calls(waiting, clock, NOT_YET)
    assert asked(waiting, NOT_YET, name="other")
    assert asked(waiting, NOT_YET, operation="delete")
    # The same resource in a later step, such as a delete and a create of a replacement.
    assert calls(waiting, clock, NOT_YET) == 15


def test_the_log_says_once_what_is_waited_for_and_where_it_ended(told: list[str]) -> None:
    clock = Clock()
    waiting = clock.waiting(API)
    for name in ("network", "network", "address"):
        calls(waiting, clock, NOT_YET, name=name)
    assert told == [
        "info: Waiting for the API, at most 5 minutes",
        *(
            f"warn: {name}: gave up waiting for the API after 5 minutes; run the same command again later"
            for name in ("network", "address")
        ),
    ]
