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


def cache_path() -> Path:
    """The path of `cache_dir`, which may not exist yet."""
    default = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "airflow-lab"
    return Path(os.environ.get("LAB_CACHE") or default)


def cache_dir() -> Path:
    """Built tools and images; safe to delete when no lab runs. `LAB_CACHE` overrides it."""
    return _created(cache_path())


def state_dir() -> Path:
    """Pids, logs, sockets, volumes and Pulumi state of the running lab. `LAB_STATE` overrides it.

    Not below /tmp, which cleaners empty while a node runs. Short, because a Unix socket's path is limited to 107 bytes.
    """
    default = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local/state") / "airflow-lab"
    return _created(Path(os.environ.get("LAB_STATE") or default))


def _created(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path
