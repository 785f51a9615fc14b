"""The control groups of a node's pods."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError

_MOUNTED: Final = Path("/sys/fs/cgroup")
_END_SECONDS: Final = 20.0


@dataclass(frozen=True)
class Cgroups:
    """One subtree in every hierarchy of this machine; `name` is its path from the root.

    Each node has its own subtree: two kubelets with one root would delete each other's pods as unknown.
    """

    name: str
    mounted: Path = _MOUNTED
    """Mount point of the hierarchies."""

    def create(self) -> None:
        """Create the subtree, which the kubelet requires for its `cgroupRoot`.

        Raises:
            LabError: no control groups are mounted, or none for memory.
        """
        if not self._limits_memory():
            raise LabError(
                f"No memory control groups are mounted under {self.mounted}.", remedy="The kubelet needs them."
            )
        try:
            for root in self._hierarchies():
                self._create(root)
        except OSError as error:
            raise LabError(
                f"The control groups of this machine cannot be used: {error}.",
                remedy="Run on a machine or virtual machine, not in a container.",
            ) from error

    def _create(self, root: Path) -> None:
        if self._unified():
            controllers = (root / "cgroup.controllers").read_text().split()
            (root / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in controllers))
        folder = root / self.name.lstrip("/")
        folder.mkdir(exist_ok=True)
        for name in ("cpuset.cpus", "cpuset.mems"):
            # In version 1 a new group has no processors and no memory nodes, and no process can join it.
            file = folder / name
            if not self._unified() and file.exists() and not file.read_text().strip():
                file.write_text((root / name).read_text())

    def pids(self) -> set[int]:
        """All processes in the subtree: all containers of all pods."""
        pids: set[int] = set()
        for folder in self._folders():
            with suppress(OSError):
                pids.update(int(line) for line in (folder / "cgroup.procs").read_text().split())
        return pids

    def memory_limit(self, group: str) -> int:
        """The memory limit, in bytes, of a group in the subtree."""
        root, file = (self.mounted, "memory.max") if self._unified() else (self._memory, "memory.limit_in_bytes")
        return int((root / self.name.lstrip("/") / group / file).read_text())

    def out_of_memory(self) -> dict[str, int]:
        """The number of processes that the kernel killed for exceeding a memory limit, by existing group."""
        file = "memory.events.local" if self._unified() else "memory.oom_control"
        killed = {}
        for folder in self._folders():
            with suppress(OSError):
                fields = dict(line.split() for line in (folder / file).read_text().splitlines())
                killed[str(folder)] = int(fields["oom_kill"])
        return {folder: count for folder, count in killed.items() if count}

    def remove(self) -> None:
        """Kill its processes and remove it.

        Raises:
            LabError: a process did not end, or a group could not be removed.
        """
        deadline = time.monotonic() + _END_SECONDS
        while folders := self._folders():
            for pid in self.pids():
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            for folder in folders:
                # Busy until the last process has ended.
                with suppress(OSError):
                    folder.rmdir()
            if time.monotonic() > deadline:
                raise LabError(f"Control groups of the node remain: {folders[-1]}, processes {sorted(self.pids())}.")
            time.sleep(0.05)

    def _folders(self) -> list[Path]:
        """The subtree's folders, children before their parents."""
        tops = [root / self.name.lstrip("/") for root in self._hierarchies()]
        return [Path(folder) for top in tops for folder, _, _ in os.walk(top, topdown=False)]

    def _unified(self) -> bool:
        """Whether this machine has version 2, with one hierarchy for all controllers."""
        return (self.mounted / "cgroup.controllers").exists()

    def _limits_memory(self) -> bool:
        if self._unified():
            return "memory" in (self.mounted / "cgroup.controllers").read_text().split()
        return (self._memory / "memory.limit_in_bytes").exists()

    @property
    def _memory(self) -> Path:
        """The memory hierarchy of version 1."""
        return self.mounted / "memory"

    def _hierarchies(self) -> list[Path]:
        """The roots: one for each controller in version 1, a single one in version 2."""
        if self._unified():
            return [self.mounted]
        if not self.mounted.exists():
            return []
        return sorted(path for path in self.mounted.iterdir() if path.is_dir() and path.is_mount())
