"""Resources that run one operation at a time, and refuse a second one meanwhile."""

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
_ATTACHED: Final = "attached"
_GRACE_SECONDS: Final = 5.0
"""Tolerance for the duration of an operation; after a crash, only this limit ends it."""


def mark(call: Call, resource_id: str, token: str, op: str) -> None:
    """Mark a resource as busy for the duration of an operation; op "" ends that.

    Without simulated time, operations do not overlap.
    """
    memory = call.world.facts.setdefault(_SUBJECT, {})
    if op and latency.speed() < math.inf:
        memory[resource_id] = time.time() + latency.seconds(SECONDS, token, op) / latency.speed() + _GRACE_SECONDS
    else:
        memory.pop(resource_id, None)


def settle(call: Call, resource_id: str, seconds: float) -> None:
    """Make a new resource refuse the first operation in the next seconds of a real cloud.

    Only the first one, however long these seconds are here. Without simulated time it refuses none.
    """
    if latency.speed() < math.inf:
        until = time.time() + seconds / latency.speed() + _GRACE_SECONDS
        call.world.facts.setdefault(_SETTLING, {})[resource_id] = until


def refuse_settling(call: Call, resource_id: str, error: ApiError) -> None:
    """Refuse the first operation on a new resource.

    Raises:
        ApiError: the given error.
    """
    if float(call.world.facts.get(_SETTLING, {}).pop(resource_id, 0)) > time.time():
        raise error


def is_busy(call: Call, resource_id: str) -> bool:
    """Whether a resource is busy."""
    return float(call.world.facts.get(_SUBJECT, {}).get(resource_id, 0)) > time.time()


def refuse_busy(call: Call, resource_id: str, error: ApiError) -> None:
    """Refuse while a resource is busy.

    Raises:
        ApiError: the given error.
    """
    if is_busy(call, resource_id):
        raise error


def linger(call: Call, resource_id: str, real_seconds: float, *, least_seconds: float = 0.0) -> None:
    """Mark a resource as held for some time; without simulated time it is not held.

    `least_seconds` are seconds here, so that the next call is affected on any machine.
    """
    if latency.speed() < math.inf:
        held = max(real_seconds / latency.speed(), least_seconds)
        call.world.facts.setdefault(_LINGERING, {})[resource_id] = time.time() + held


def lingers(call: Call, resource_id: str) -> bool:
    """Whether it is still held."""
    return float(call.world.facts.get(_LINGERING, {}).get(resource_id, 0)) > time.time()


def attach(call: Call, resource_id: str) -> None:
    """Record that something outside of the simulation uses a resource until it is deleted."""
    call.world.facts.setdefault(_ATTACHED, {})[resource_id] = True


def detach(call: Call, resource_id: str) -> bool:
    """End that use; says whether there was one."""
    return call.world.facts.get(_ATTACHED, {}).pop(resource_id, False) is True
