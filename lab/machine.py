"""Whether this machine can run the lab's node, said in one sentence before anything is built."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from lab.errors import LabError
from lab.paths import cache_dir

SYSTEMS: Final = ("debian 12", "debian 13", "ubuntu 24.04")
"""Whose packages the lab knows by name."""
NODE_MEMORY_GIB: Final = 8
"""What a node must have for Pulumi.local.yaml, see tests/unit/test_node_memory.py."""
LEAST_MEMORY_GIB: Final = NODE_MEMORY_GIB - 0.5
"""What the kernel of such a machine leaves of it."""
SYSTEM_PODS_MIB: Final = 400
"""What a small distribution requests for itself on such a node: CoreDNS 70 twice, etcd 100, the network 50, and some.
https://github.com/kubernetes/kubernetes/blob/v1.36.3/cmd/kubeadm/app/phases/etcd/local.go"""
LEAST_DISK_GIB: Final = 10
"""Build caches, images and the node's volumes."""
OWN_CLUSTER: Final = (
    "Use a cluster of your own instead: `pulumi up -s local` deploys to the current context of your kubeconfig "
    "(see README.md)."
)


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What matters of a machine."""

    system: str
    """As /etc/os-release says it: "debian 12", or the kernel's name where there is no such file."""
    architecture: str
    root: bool
    memory_gib: float
    free_disk_gib: float

    def lacks(self) -> list[str]:
        """What the lab's node would need and this machine has not."""
        return [
            sentence
            for wrong, sentence in (
                (self.system not in SYSTEMS, f"it runs {self.system}, not Debian 12, Debian 13 or Ubuntu 24.04"),
                (self.architecture != "x86_64", f"its processor is {self.architecture}, not x86_64"),
                (not self.root, "the command does not run as root"),
                (self.memory_gib < LEAST_MEMORY_GIB, f"it has less than {LEAST_MEMORY_GIB} GiB of memory"),
                (self.free_disk_gib < LEAST_DISK_GIB, f"it has less than {LEAST_DISK_GIB} GiB of free disk"),
            )
            if wrong
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
        memory_gib=psutil.virtual_memory().total / 2**30,
        free_disk_gib=shutil.disk_usage(cache_dir()).free / 2**30,
    )


def require(machine: Machine | None = None) -> None:
    """Make sure that the lab's node can run here.

    Raises:
        LabError: it cannot; the message names everything that is missing and the way that works without a lab.
    """
    lacks = (machine or this_machine()).lacks()
    if lacks:
        raise LabError(f"The lab's node cannot run on this machine: {', and '.join(lacks)}.", remedy=OWN_CLUSTER)
