"""TCP ports of the workloads."""

from __future__ import annotations

from typing import Final

API_PORT: Final = 8080
SCHEDULER_HEALTH_PORT: Final = 8974
WORKER_LOG_PORT: Final = 8793
TRIGGERER_LOG_PORT: Final = 8794
FLOWER_PORT: Final = 5555
BROKER_PORT: Final = 6379
