"""Things that do one operation at a time, and refuse a second one meanwhile."""

from __future__ import annotations

import math
import time
from typing import Final

from lab.clouds import latency
from lab.clouds.azure.latency import SECONDS
from lab.clouds.kind import ApiError, Call

_SUBJECT: Final = "busy"
_SETTLING: Final = "settling"
_LINGERING: Final = "lingering"
_GRACE_SECONDS: Final = 5.0
"""What an operation may take longer here than the table says; after a crash, nothing else ends it."""


def mark(call: Call, resource_id: str, token: str, op: str) -> None:
    """Say that something works on a resource from now on for as long as the operation takes; op "" ends that.

    Where no time passes, nothing happens at the same time.
    """
    memory = call.world.facts.setdefault(_SUBJECT, {})
    if op and latency.speed() < math.inf:
        memory[resource_id] = time.time() + latency.seconds(SECONDS, token, op) / latency.speed() + _GRACE_SECONDS
    else:
        memory.pop(resource_id, None)


def settle(call: Call, resource_id: str, seconds: float) -> None:
    """Say that a resource which has just come to be refuses the first operation of the next seconds of a real cloud.

    The first alone, however long these seconds are here. Where no time passes, it refuses none.
    """
    if latency.speed() < math.inf:
        until = time.time() + seconds / latency.speed() + _GRACE_SECONDS
        call.world.facts.setdefault(_SETTLING, {})[resource_id] = until


def refuse_settling(call: Call, resource_id: str, error: ApiError) -> None:
    """Refuse the first operation on a resource that has just come to be.

    Raises:
        ApiError: the given one.
    """
    if float(call.world.facts.get(_SETTLING, {}).pop(resource_id, 0)) > time.time():
        raise error


def is_busy(call: Call, resource_id: str) -> bool:
    """Whether something works on a resource."""
    return float(call.world.facts.get(_SUBJECT, {}).get(resource_id, 0)) > time.time()


def refuse_busy(call: Call, resource_id: str, error: ApiError) -> None:
    """Refuse while something works on a resource.

    Raises:
        ApiError: the given one.
    """
    if is_busy(call, resource_id):
        raise error


def linger(call: Call, resource_id: str, real_seconds: float, *, least_seconds: float = 0.0) -> None:
    """Say that something holds a resource for a while yet; where no time passes, nothing does.

    `least_seconds` are seconds here, so that the next call meets it on any machine.
    """
    if latency.speed() < math.inf:
        held = max(real_seconds / latency.speed(), least_seconds)
        call.world.facts.setdefault(_LINGERING, {})[resource_id] = time.time() + held


def lingers(call: Call, resource_id: str) -> bool:
    """Whether it is held still."""
    return float(call.world.facts.get(_LINGERING, {}).get(resource_id, 0)) > time.time()
