"""The node's own network and mount namespaces, entered by path.

Mounted files below the state folder keep both alive, instead of `ip netns add`, which leaves a mount on /run/netns.
The mount namespace makes the removal simple and safe: pods' volumes, root file systems and network namespaces are
mounted only in it and disappear with its last process, so deleting the state folder can never delete files in a folder
that is mounted from elsewhere.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError

_END_SECONDS: Final = 20.0
_ESCAPE: Final = re.compile(r"\\(\d{3})")
"""The kernel's escape sequence for spaces and similar characters in its list of mounts."""

# The kubelet sets these for the whole machine if they differ, and nothing resets them. In the node it finds files with
# the expected values instead (pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables).
_TUNABLES: Final = {
    "vm/overcommit_memory": 1,
    "vm/panic_on_oom": 0,
    "kernel/panic": 10,
    "kernel/panic_on_oops": 1,
    "kernel/keys/root_maxkeys": 1000000,
    "kernel/keys/root_maxbytes": 25000000,
}

# Fixed paths to which containerd's shims, the CNI library and the kubelet write. An empty folder on the machine stays
# as the mount point: removing it would break the mount of another instance.
_FOLDERS: Final = ("/var/lib/cni", "/var/lib/kubelet", "/var/log/containers")


@dataclass(frozen=True)
class Namespaces:
    """A pair of namespaces that exist while their files in `folder` are mounted."""

    folder: Path

    @property
    def network(self) -> Path:
        """File of the network namespace, for `ip link … netns` and nsenter."""
        return self.folder / "net"

    @property
    def _mount(self) -> Path:
        return self.folder / "mnt"

    @property
    def _complete(self) -> Path:
        return self.folder / "complete"

    def exist(self) -> bool:
        """Whether both exist and their setup was completed."""
        return self._complete.exists() and {self.network, self._mount} <= set(mounts_below(self.folder))

    def create(self, private: Path) -> None:
        """Create both, after removing the rest of an interrupted attempt; `private` contains the folders to mount."""
        self.remove()
        self.folder.mkdir(parents=True, exist_ok=True)
        # The file of a mount namespace can be bound only onto a mount that does not propagate.
        _run(["mount", "--bind", self.folder, self.folder])
        _run(["mount", "--make-private", self.folder])
        self.network.touch()
        self._mount.touch()
        _run(
            [
                "unshare",
                f"--net={self.network}",
                f"--mount={self._mount}",
                # Later mounts of the machine (a disk with DAGs) are visible inside, but not the other way round.
                *("--propagation", "slave", "sh", "-ec", _setup(private)),
            ]
        )
        self._complete.touch()

    def command(self, command: Sequence[str | Path]) -> list[str]:
        """The command line that runs a command in the namespaces; the process keeps its pid."""
        enter = ["nsenter", f"--net={self.network}", f"--mount={self._mount}", "--"]
        return [*enter, *(str(argument) for argument in command)]

    def inodes(self) -> dict[str, int]:
        """The kernel's inodes of both, by kind as in /proc/PID/ns; empty if they do not exist."""
        files = {"mnt": self._mount, "net": self.network}
        return {kind: file.stat().st_ino for kind, file in files.items()} if self.exist() else {}

    def remove(self) -> None:
        """Unmount the files; the namespaces end with their last process.

        Raises:
            LabError: a mount was busy for too long.
        """
        self._complete.unlink(missing_ok=True)
        deadline = time.monotonic() + _END_SECONDS
        while mounted := mounts_below(self.folder):
            # The last mount is on top.
            done = subprocess.run(["umount", mounted[-1]], check=False, capture_output=True, text=True)
            if done.returncode != 0:
                if time.monotonic() > deadline:
                    raise LabError(f"{mounted[-1]} is still mounted: {done.stderr.strip()}.")
                time.sleep(0.1)


def mounts_below(folder: Path) -> list[Path]:
    """The mount points at or below the folder in this process's namespace, in the order of mounting.

    Read from the kernel's list: os.path.ismount compares devices and misses a folder that is bound to itself.
    """
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    paths = [Path(_ESCAPE.sub(lambda code: chr(int(code[1], 8)), point)) for point in points]
    return [path for path in paths if path.is_relative_to(folder)]


def _setup(private: Path) -> str:
    """The script that sets up new namespaces."""
    lines = [
        # Pods may use mounts that propagate in both directions: among pods, but never to the machine.
        "mount --make-rshared /",
        # Shim sockets, pods' network namespaces, the lock of iptables: each node has its own, removed with the node.
        "mount -t tmpfs -o mode=0755 tmpfs /run",
        "mkdir -p /run/tunables",
    ]
    for name, value in _TUNABLES.items():
        file = f"/run/tunables/{name.replace('/', '.')}"
        lines += [f"echo {value} > {file}", f"mount --bind {file} /proc/sys/{name}"]
    for folder in _FOLDERS:
        own = private / Path(folder).name
        own.mkdir(parents=True, exist_ok=True)
        lines += [f"mkdir -p {folder}", f"mount --bind '{own}' {folder}"]
    return "\n".join(lines)


def _run(command: Sequence[str | Path]) -> None:
    done = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(
            f"{os.fspath(command[0])} failed: {done.stderr.strip()}.",
            remedy="The node needs root with all rights over mounts and networks, not an unprivileged container.",
        )
