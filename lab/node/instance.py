"""Names, addresses and folders of one node on this machine, derived from its name."""

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

    Two instances share only built programs, so that a test can break its own node while the default node runs.
    """

    name: str = field(default_factory=lambda: os.environ.get("LAB_NODE") or DEFAULT_NAME)
    """`LAB_NODE` sets another name than the default. The kubeconfig context has the same name."""
    pods_mib: int | None = None
    """Memory limit of all pods together, enforced by the kubelet and by their control group. Default: no limit."""

    @property
    def _number(self) -> int:
        """The third number of its addresses: 0 for the default node, 1 to 255 for others."""
        return 0 if self.name == DEFAULT_NAME else zlib.crc32(self.name.encode()) % (_BLOCKS - 1) + 1

    @property
    def interface(self) -> str:
        """The machine's end of the veth pair to the node."""
        return f"lab{self._number}"

    @property
    def network(self) -> str:
        """The address range of the veth pair."""
        return f"10.200.{self._number}.0/24"

    @property
    def machine_address(self) -> str:
        """The machine's address for the node and its pods."""
        return f"10.200.{self._number}.1"

    @property
    def address(self) -> str:
        """The node's address for the machine: the API server, NodePorts, the cluster's DNS."""
        return f"10.200.{self._number}.2"

    @property
    def folder(self) -> Path:
        """The node's data, deleted with the node."""
        # Without symbolic links, like the kernel's list of mounts.
        return (state_dir() / "nodes" / self.name).resolve()

    @property
    def lock(self) -> Path:
        """Lock for changes of the node; not in the folder, because `down` deletes the folder."""
        return self.folder.with_suffix(".lock")

    @property
    def daemons(self) -> Path:
        """Folder of logs and pid files."""
        return self.folder / "daemons"

    @property
    def volumes(self) -> Path:
        """Folder of the provisioned volumes."""
        return self.folder / "volumes"

    @property
    def images(self) -> Path:
        """containerd's image store; `down` keeps it so that images are imported only once."""
        return (cache_dir() / "containerd" / self.name).resolve()

    @property
    def cgroup(self) -> str:
        """Parent of all pods' control groups, relative to the root of the hierarchy."""
        return f"/{self.name}"

    @property
    def layout(self) -> Layout:
        """Layout of its control plane."""
        return Layout(folder=self.folder / "control-plane", address=self.address, cluster_name=self.name)

    @property
    def pod_cidr(self) -> str:
        """The node's range of pod addresses: the first one, because it is the only node."""
        return self.layout.pod_cidr.replace("/16", "/24")

    @property
    def dns_service(self) -> str:
        """Address of the cluster's DNS Service."""
        return self.layout.service_cidr.replace(".0.0/16", ".0.10")

    def configuration(self, name: str, content: str) -> Path:
        """Write a file in the folder, unless it already has this content.

        kube-proxy exits when its configuration is written, even with the same content.
        """
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
        return path
