"""Where the lab keeps things: what can be made again (cache) and what a running lab needs (state)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent
"""The checkout that this lab belongs to."""


def cache_dir() -> Path:
    """Built tools and images; safe to delete when no lab runs. `LAB_CACHE` overrides it."""
    return _made("LAB_CACHE", Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airflow-lab")


def state_dir() -> Path:
    """Pids, logs, sockets, volumes and Pulumi state of the running lab. `LAB_STATE` overrides it.

    Not under /tmp: cleaners empty that under a running node. Short, because a Unix socket's path ends at 107 bytes.
    """
    return _made("LAB_STATE", Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "airflow-lab")


def _made(variable: str, default: Path) -> Path:
    path = Path(os.environ.get(variable) or default)
    path.mkdir(parents=True, exist_ok=True)
    return path
