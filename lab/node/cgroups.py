"""The control groups that a node's pods live in."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError

_ROOT: Final = Path("/sys/fs/cgroup")
_END_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Cgroups:
    """One subtree in every hierarchy of this machine, `name` being its path from the root.

    A subtree per node: two kubelets on one root would each delete the other's pods as unknown.
    """

    name: str

    def create(self) -> None:
        """Make the subtree, which a kubelet demands of its `cgroupRoot`.

        Raises:
            LabError: no control groups are mounted, or none that limits memory.
        """
        if not _limits_memory():
            raise LabError(
                "No memory control groups are mounted under /sys/fs/cgroup.", remedy="The kubelet needs them."
            )
        try:
            for root in _hierarchies():
                self._create(root)
        except OSError as error:
            raise LabError(
                f"The control groups of this machine cannot be used: {error}.",
                remedy="Run on a machine or virtual machine, not in a container.",
            ) from error

    def _create(self, root: Path) -> None:
        if _unified():
            controllers = (root / "cgroup.controllers").read_text().split()
            (root / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
        folder = root / self.name.lstrip("/")
        folder.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            # Version 1 starts a group with no processors and no memory nodes: nothing could join it.
            file = folder / name
            if not _unified() and file.exists() and not file.read_text().strip():
                file.write_text((root / name).read_text())

    def pids(self) -> set[int]:
        """Every process in the subtree: all containers of all pods."""
        found: set[int] = set()
        for folder in self._folders():
            with suppress(OSError):
                found.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
        return found

    def remove(self) -> None:
        """Kill what is in it and remove it.

        Raises:
            LabError: something would not end.
        """
        deadline = time.monotonic() + _END_SECONDS
        while folders := self._folders():
            for pid in self.pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for folder in folders:
                # Busy while a process in it is still ending.
                with suppress(OSError):
                    folder.rmdir()
            if time.monotonic() > deadline:
                raise LabError(f"Control groups of the node are left: {folders[-1]}, processes {sorted(self.pids())}.")
            time.sleep(0.05)

    def _folders(self) -> list[Path]:
        """The subtree's folders, children before their parents."""
        tops = [root / self.name.lstrip("/") for root in _hierarchies()]
        return [Path(folder) for top in tops for folder, _, _ in os.walk(top, topdown=False)]


def _unified() -> bool:
    """Whether this machine has version 2, one hierarchy for all controllers."""
    return (_ROOT / "cgroup.controllers").exists()


def _limits_memory() -> bool:
    if _unified():
        return "memory" in (_ROOT / "cgroup.controllers").read_text().split()
    return (_ROOT / "memory/memory.limit_in_bytes").exists()


def _hierarchies() -> list[Path]:
    """The roots: one for each controller in version 1, the whole in version 2."""
    if _unified():
        return [_ROOT]
    return sorted(path for path in _ROOT.iterdir() if path.is_dir() and path.is_mount()) if _ROOT.exists() else []
