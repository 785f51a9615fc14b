"""Finds and ends the processes of a node on this machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from lab.node.namespaces import Namespaces

_MARK: Final = "LAB_NODE_FOLDER"
_KILL_SECONDS: Final = 2.0


@dataclass(frozen=True)
class Processes:
    """The processes of one node outside pods: daemons, their helpers, shims, shells.

    Identified by a variable in their environment, which helpers and shims inherit, or by their namespaces. Namespaces
    alone are not enough: their files may be unmounted while processes still run in them.
    """

    folder: Path
    namespaces: Namespaces

    @property
    def environment(self) -> Mapping[str, str]:
        """The variable that marks a daemon and its children."""
        return {_MARK: str(self.folder)}

    def all(self) -> list[psutil.Process]:
        """All running processes of the node."""
        inodes = self.namespaces.inodes()
        return [
            process
            for process in psutil.process_iter()
            if _marked(process, self.folder) or _in_namespaces(process, inodes)
        ]

    def named(self, name: str) -> list[psutil.Process]:
        """The marked processes that run a program, or a Python module, with this name."""
        processes = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                command = process.cmdline()
                if command and name in (Path(command[0]).name, *command[1:3]) and _marked(process, self.folder):
                    processes.append(process)
        return processes


def kill(process: psutil.Process) -> None:
    """Kill a process and wait briefly for its end.

    A zombie counts as ended: its parent may never reap it.
    """
    deadline = time.monotonic() + _KILL_SECONDS
    with suppress(psutil.NoSuchProcess):
        process.kill()
        while process.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
            time.sleep(0.01)


def _marked(process: psutil.Process, folder: Path) -> bool:
    with suppress(OSError):
        environment = Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
        return f"{_MARK}={folder}".encode() in environment
    return False


def _in_namespaces(process: psutil.Process, inodes: Mapping[str, int]) -> bool:
    with suppress(OSError):
        return any(Path(f"/proc/{process.pid}/ns/{kind}").stat().st_ino == inode for kind, inode in inodes.items())
    return False
