"""One node on this machine: its name, and everything that follows from it."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lab.node.control_plane import Layout
from lab.paths import cache_dir, state_dir

DEFAULT_NAME: Final = "airflow-lab"
_BLOCKS: Final = 256


@dataclass(frozen=True)
class Instance:
    """A node's names, addresses and folders.

    Two instances share nothing but built programs, so that a test can break its own while the usual one runs.
    """

    name: str = field(default_factory=lambda: os.environ.get("LAB_NODE") or DEFAULT_NAME)
    """`LAB_NODE` names another than the usual one; its kubeconfig context is called the same."""
    pods_mib: int | None = None
    """Memory of all pods together: the kubelet lets in no more, and their control group takes no more. Default: all."""

    @property
    def _number(self) -> int:
        """The third number of its addresses: 0 for the usual one, 1 to 255 for others."""
        return 0 if self.name == DEFAULT_NAME else zlib.crc32(self.name.encode()) % (_BLOCKS - 1) + 1

    @property
    def interface(self) -> str:
        """The machine's end of the cable to the node."""
        return f"lab{self._number}"

    @property
    def network(self) -> str:
        """The addresses of that cable."""
        return f"10.200.{self._number}.0/24"

    @property
    def machine_address(self) -> str:
        """The machine, seen from the node and its pods."""
        return f"10.200.{self._number}.1"

    @property
    def address(self) -> str:
        """The node, seen from the machine: the API server, NodePorts, the cluster's DNS."""
        return f"10.200.{self._number}.2"

    @property
    def folder(self) -> Path:
        """Everything that goes when the node goes."""
        # Resolved, as the kernel's list of mounts is.
        return (state_dir() / "nodes" / self.name).resolve()

    @property
    def lock(self) -> Path:
        """Held while the node is being changed; beside the folder, because the folder goes."""
        return self.folder.with_suffix(".lock")

    @property
    def daemons(self) -> Path:
        """Logs and pids."""
        return self.folder / "daemons"

    @property
    def volumes(self) -> Path:
        """What claims are given."""
        return self.folder / "volumes"

    @property
    def images(self) -> Path:
        """containerd's store; outlives the node so that images are imported once."""
        return (cache_dir() / "containerd" / self.name).resolve()

    @property
    def cgroup(self) -> str:
        """Parent of all pods' control groups, from the root of the hierarchy."""
        return f"/{self.name}"

    @property
    def layout(self) -> Layout:
        """Its control plane."""
        return Layout(folder=self.folder / "control-plane", address=self.address, cluster_name=self.name)

    @property
    def pod_cidr(self) -> str:
        """The node's part of the cluster's pod addresses: the first, as it is the only node."""
        return self.layout.pod_cidr.replace("/16", "/24")

    @property
    def dns_service(self) -> str:
        """Where pods ask for names."""
        return self.layout.service_cidr.replace(".0.0/16", ".0.10")

    def configuration(self, name: str, content: str) -> Path:
        """Write a file of that name in the folder; one that holds this already is not touched.

        kube-proxy ends itself when its configuration is written, even with the same content.
        """
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
        return path
