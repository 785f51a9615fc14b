"""Durations of operations in the real clouds, and their speed-up in the lab.

Each cloud has a table. Without needless waits, a stack takes as long as the longest chain of its operations.
Times from a simulated cloud are simulated.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Final

SPEED_VARIABLE: Final = "LAB_CLOUD_SPEED"
"""Environment variable: seconds of a real cloud for each second here; `inf` does not wait at all."""
DEFAULT_SPEED: Final = 60.0

Table = Mapping[str, Mapping[str, float]]
"""Seconds by type and operation (create, update, delete, read, invoke); all others take OTHERWISE."""


OTHERWISE: Final[Mapping[str, float]] = {"create": 3.0, "update": 3.0, "delete": 3.0, "read": 0.3, "invoke": 0.3}


def seconds(table: Table, token: str, op: str) -> float:
    """Duration of an operation in the real cloud, in seconds."""
    return table.get(token, {}).get(op, OTHERWISE.get(op, 0.0))


def speed() -> float:
    """The speed-up factor."""
    return float(os.environ.get(SPEED_VARIABLE) or DEFAULT_SPEED)


def wait(real_seconds: float, cancelled: threading.Event) -> bool:
    """Wait for this time of a real cloud; False if the wait was interrupted."""
    here = real_seconds / speed()
    return not cancelled.wait(here) if here > 0 else not cancelled.is_set()
