"""Checks before any installation whether this machine can run the lab's node: `python -m lab.machine`.

Runs without any package, and writes nothing.
"""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError, run_command_line
from lab.paths import cache_path

SYSTEMS: Final = ("debian 12", "debian 13", "ubuntu 24.04")
"""Operating systems with the package names that the lab installs."""
NODE_MEMORY_GIB: Final = 8
"""Memory of a node for Pulumi.local.yaml, see tests/unit/cloud/existing/test_node_memory.py."""
MEMORY_GIB_MIN: Final = NODE_MEMORY_GIB - 0.5
"""The memory that the kernel of such a machine reports."""
SYSTEM_PODS_MIB: Final = 400
"""Requests of a small distribution's system pods on such a node: CoreDNS 70 twice, etcd 100, the network 50, and some.
https://github.com/kubernetes/kubernetes/blob/v1.36.3/cmd/kubeadm/app/phases/etcd/local.go"""
DISK_GIB_MIN: Final = 10
"""For build caches, images and the node's volumes."""
OWN_CLUSTER: Final = (
    "Use a cluster instead: `make demo CLUSTER=kind`, `CLUSTER=minikube`, or `CLUSTER=CONTEXT` with a context of your "
    "kubeconfig. `make test-unit` runs on any machine."
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Properties of a machine that decide whether it can run a node."""

    system: str
    """From /etc/os-release, for example "debian 12"; the kernel's name if there is no such file."""
    architecture: str
    root: bool
    memory_gib: float
    free_disk_gib: float

    def lacks(self) -> list[str]:
        """The requirements of the lab's node that this machine does not meet."""
        return [
            sentence
            for failed, sentence in (
                (self.system not in SYSTEMS, f"it runs {self.system}, not Debian 12, Debian 13 or Ubuntu 24.04"),
                (self.architecture != "x86_64", f"its processor is {self.architecture}, not x86_64"),
                (not self.root, "the command does not run as root"),
                (self.memory_gib < MEMORY_GIB_MIN, f"it has less than {MEMORY_GIB_MIN} GiB of memory"),
                (self.free_disk_gib < DISK_GIB_MIN, f"it has less than {DISK_GIB_MIN} GiB of free disk"),
            )
            if failed
        ]


def this_machine() -> Machine:
    """The machine that this runs on."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
        fields = dict(line.split("=", 1) for line in lines if "=" in line)
        system = f"{fields.get('ID', '')} {fields.get('VERSION_ID', '')}".replace('"', "").strip()
    except OSError:
        system = platform.system()
    return Machine(
        system=system,
        architecture=platform.machine(),
        root=hasattr(os, "geteuid") and os.geteuid() == 0,
        memory_gib=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
        free_disk_gib=shutil.disk_usage(_existing(cache_path())).free / 2**30,
    )


def require(machine: Machine | None = None) -> None:
    """Check that this machine can run the lab's node.

    Raises:
        LabError: it cannot; the message lists all unmet requirements and the alternative without a lab.
    """
    lacks = (machine or this_machine()).lacks()
    if lacks:
        raise LabError(f"The lab's node cannot run on this machine: {', and '.join(lacks)}.", remedy=OWN_CLUSTER)


def _existing(path: Path) -> Path:
    """The closest parent folder that exists."""
    return next(each for each in (path, *path.parents) if each.exists())


if __name__ == "__main__":
    run_command_line(require)
