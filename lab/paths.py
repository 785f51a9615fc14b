"""Folders of the lab: the cache, which can be built again, and the state of a running lab."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parent.parent
"""The checkout that contains this lab."""


def cache_dir() -> Path:
    """Built tools and images; safe to delete when no lab runs. `LAB_CACHE` overrides it."""
    return _folder("LAB_CACHE", Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airflow-lab")


def state_dir() -> Path:
    """Pids, logs, sockets, volumes and Pulumi state of the running lab. `LAB_STATE` overrides it.

    Not below /tmp, which cleaners empty while a node runs. Short, because a Unix socket's path is limited to 107 bytes.
    """
    return _folder("LAB_STATE", Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "airflow-lab")


def _folder(variable: str, default: Path) -> Path:
    path = Path(os.environ.get(variable) or default)
    path.mkdir(parents=True, exist_ok=True)
    return path
