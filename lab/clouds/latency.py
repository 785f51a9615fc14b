"""How long operations take in the real clouds, and how much quicker they are here.

Each cloud has a table. A stack that waits for nothing needless takes as long as the longest chain of its operations.
Times from a simulated cloud are simulated.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Final

SPEED_VARIABLE: Final = "LAB_CLOUD_SPEED"
"""How many seconds of a real cloud pass in one second here; `inf` does not wait at all."""
DEFAULT_SPEED: Final = 60.0

Table = Mapping[str, Mapping[str, float]]
"""Seconds by type and operation (create, update, delete, read, invoke); what is not in it takes OTHERWISE."""


OTHERWISE: Final[Mapping[str, float]] = {"create": 3.0, "update": 3.0, "delete": 3.0, "read": 0.3, "invoke": 0.3}


def seconds(table: Table, token: str, op: str) -> float:
    """What an operation takes in the real cloud, in seconds."""
    return table.get(token, {}).get(op, OTHERWISE.get(op, 0.0))


def speed() -> float:
    """How much quicker the simulation is."""
    return float(os.environ.get(SPEED_VARIABLE) or DEFAULT_SPEED)


def wait(real_seconds: float, cancelled: threading.Event) -> bool:
    """Let that much of a real cloud's time pass; False when the wait was cut short."""
    here = real_seconds / speed()
    return not cancelled.wait(here) if here > 0 else not cancelled.is_set()
