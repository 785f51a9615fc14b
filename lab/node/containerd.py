"""The container runtime of a node: containerd 2 with its own image store, and Debian's runc."""

from __future__ import annotations

import json
import subprocess
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.daemon import Daemon
from lab.errors import LabError
from lab.node import programs
from lab.node.instance import Instance
from lab.node.namespaces import Namespaces
from lab.node.network import CNI_PLUGINS
from lab.progress import step

SOCKET: Final = "/run/containerd/containerd.sock"
"""Path in the node's mount namespace."""

_CONFIGURATION: Final = "containerd.toml"
_KUBERNETES: Final = "k8s.io"
_START_SECONDS: Final = 30.0
_NAME_KEYS: Final = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


@dataclass(frozen=True)
class Containerd:
    """One containerd, its configuration and its images."""

    instance: Instance
    namespaces: Namespaces
    pause_image: str

    @property
    def daemon(self) -> Daemon:
        """The containerd process."""
        return Daemon(name="containerd", folder=self.instance.daemons)

    def configure(self, cni_configuration: str) -> None:
        """Write the configuration of containerd and of the pod network."""
        cni = self.instance.configuration("cni/10-pods.conflist", cni_configuration).parent
        self.instance.configuration(
            _CONFIGURATION,
            f"""\
version = 4
root = "{self.instance.images}"
state = "/run/containerd"
# Not used here: other snapshotters, and a folder of further programs on the machine.
disabled_plugins = ["io.containerd.snapshotter.v1.blockfile", "io.containerd.snapshotter.v1.erofs",
  "io.containerd.internal.v1.opt"]
[plugins."io.containerd.server.v1.grpc"]
address = "{SOCKET}"
[plugins."io.containerd.nri.v1.nri"]
disable = true
[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "{self.pause_image}"
[plugins."io.containerd.cri.v1.runtime"]
# Lowering a process's OOM score needs CAP_SYS_RESOURCE, which root of a virtual machine or a runner may lack:
# every sandbox would fail to start.
restrict_oom_score_adj = true
# Below the node's own /run instead of the machine's /var/run/netns.
netns_mounts_under_state_dir = true
# AppArmor would need the program apparmor_parser, and a profile that outlives the node.
disable_apparmor = true
# By default containerd measures every container each second, for a figure that nothing here uses.
stats_collect_period = "60s"
stats_retention_period = "2m"
[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["{CNI_PLUGINS}"]
conf_dir = "{cni}"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
# Same as the kubelet's cgroup driver. The systemd driver fails on a machine without systemd; this driver also works
# with systemd, in a subtree that systemd does not manage.
SystemdCgroup = false
""",
        )

    def start(self, env: Mapping[str, str]) -> None:
        """Start containerd and wait until it answers.

        Raises:
            LabError: it died or did not answer in time.
        """
        self.instance.images.mkdir(parents=True, exist_ok=True)
        # containerd finds the shim by PATH, and again for each running pod after a restart: it treats a pod whose shim
        # is not found as dead, whatever `runtime_path` is.
        path = f"{programs.SHIM.build().parent}:{env['PATH']}"
        command = self.namespaces.command([programs.CONTAINERD.build(), "--config", self._configuration])
        self.daemon.start(command, env={**env, "PATH": path})
        deadline = time.monotonic() + _START_SECONDS
        while self._ctr("version").returncode != 0:
            self.daemon.require_alive()
            if time.monotonic() > deadline:
                raise LabError(
                    f"containerd did not answer within {_START_SECONDS:.0f} s.", remedy=f"See {self.daemon.log}."
                )
            time.sleep(0.1)

    def forget_containers(self) -> bool:
        """Remove all containers and their data, but no images. Returns whether there were any.

        Their processes must have ended.
        """
        names = self._ctr("containers", "list", "--quiet").stdout.split()
        if names:
            self._ctr("containers", "delete", *names)
        return bool(names)

    def import_images(self, archives: Sequence[Path]) -> None:
        """Import the archives with images that the node does not have, compared by name and digest.

        Raises:
            LabError: an archive cannot be read or imported.
        """
        imported = self._images()
        for archive in archives:
            images = images_in(archive)
            if images and images.items() <= imported.items():
                continue
            with step(f"Import {', '.join(images) or archive.name}"):
                done = self._ctr("images", "import", str(archive))
                if done.returncode != 0:
                    raise LabError(f"{archive} could not be imported: {done.stderr.strip()[-500:]}")

    def has_image(self, name: str) -> bool:
        """Whether the node has an image with this full name."""
        return name in self._images()

    def _images(self) -> dict[str, str]:
        """Digest by name."""
        rows = [line.split() for line in self._ctr("images", "list").stdout.splitlines()[1:]]
        return {row[0]: row[2] for row in rows if len(row) > 2}

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [programs.CTR.build(), "--address", SOCKET, "--namespace", _KUBERNETES, *arguments]
        return subprocess.run(self.namespaces.command(command), check=False, capture_output=True, text=True)

    @property
    def _configuration(self) -> Path:
        return self.instance.folder / _CONFIGURATION


def images_in(archive: Path) -> dict[str, str]:
    """The images of an OCI archive, digest by full name; empty if its index contains no names.

    Raises:
        LabError: the file is not an OCI archive.
    """
    try:
        with tarfile.open(archive) as tar:
            index = tar.extractfile("index.json")
            assert index is not None
            manifests = json.load(index)["manifests"]
    except (OSError, KeyError, ValueError, tarfile.TarError) as error:
        raise LabError(f"{archive} is not an OCI image archive: {error}.") from error
    named = [(entry.get("annotations", {}), entry["digest"]) for entry in manifests]
    return {
        name: digest
        for notes, digest in named
        if (name := next((notes[key] for key in _NAME_KEYS if key in notes), ""))
    }
