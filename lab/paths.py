"""Folders of the lab: the cache, which can be built again, and the state of a running lab."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final


def project(package: Path, working: Path) -> Path:
    """The checkout that the lab in a folder belongs to: the one it is part of, else the one that is worked in.

    The second is for a lab that is installed with `pip install ./lab`.
    """
    for folder in (package.parent, working, *working.parents):
        if (folder / "Pulumi.yaml").exists():
            return folder
    return working


PROJECT: Final = project(Path(__file__).resolve().parent, Path.cwd())


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
