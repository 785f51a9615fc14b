"""Starts all services of simulated clouds on one node, and configures programs to use them."""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.certificates import public_authority
from lab.clouds import backing
from lab.clouds.inventory import FOLDER_VARIABLE, Inventory
from lab.errors import LabError
from lab.lock import locked
from lab.node.instance import Instance
from lab.node.names import Names
from lab.node.node import Node
from lab.node.processes import kill
from lab.progress import step
from lab.services import auth_plugins, cluster, database, front, programs
from lab.services.addresses import Addresses, listens
from lab.services.csi import plugin as csi_plugin
from lab.services.csi.volumes import DRIVERS
from lab.tools import npm

START_SECONDS: Final = 30.0
FRONT: Final = "cloud-front"
CSI: Final = "cloud-csi"
SYSTEM_BUNDLE: Final = Path("/etc/ssl/certs/ca-certificates.crt")
"""CA bundle of Debian's package ca-certificates; if it is missing, the lab's CA is enough."""


@dataclass(frozen=True)
class StandIns:
    """The services of one node for the clouds of one inventory; `up` can be repeated."""

    node: Node
    inventory: Inventory

    @classmethod
    def default(cls) -> StandIns:
        """The services of the lab's node and inventory."""
        return cls(Node(Instance()), Inventory.default())

    @property
    def folder(self) -> Path:
        """Folder with data, logs and pids of the stores; deleted with the node."""
        return self.node.instance.folder / "services"

    @property
    def front_address(self) -> str:
        """The address of the clouds' official host names."""
        return Addresses(self.node).take(FRONT)

    def up(self) -> None:
        """Start all services that do not run, or were started for another inventory or by another version of this code.

        Raises:
            LabError: the node is down, or a service did not start; the message names its log.
        """
        with locked(self.node.instance.folder / "services.lock"):
            commands = {FRONT: self._front_command(), CSI: self._csi_command()}
            if not all(self._current(name, command) for name, command in commands.items()):
                with step("Start the services of the simulated clouds"):
                    self._start(commands)
            database.resume(self.node)

    def furnish(self, cloud: str) -> None:
        """Prepare the node's cluster as a cluster of that cloud."""
        authority = public_authority().certificate.read_text()
        cluster.furnish(self.node.api, cloud, self.front_address, authority)

    def environment(self) -> dict[str, str]:
        """Environment variables of `pulumi` for a stack with a simulated cloud; PATH has only the first entries."""
        folder = self.node.instance.folder / "bin"
        auth_plugins.install(folder)
        bundle = self.node.instance.folder / "trusted.pem"
        own = [self.node.instance.layout.authority.certificate, public_authority().certificate]
        parts = [path.read_text() for path in (SYSTEM_BUNDLE, *own) if path.exists()]
        bundle.write_text("\n".join(parts))
        return {
            auth_plugins.CONTROL_PLANE: str(self.node.instance.layout.folder),
            # A cluster's DNS endpoint has a certificate of a public CA.
            "SSL_CERT_FILE": str(bundle),
            FOLDER_VARIABLE: str(self.inventory.folder),
            backing.BACKING_VARIABLE: "lab.services.backing:NodeBacking",
            "LAB_NODE": self.node.instance.name,
            "PATH": str(folder),
        }

    def _start(self, commands: dict[str, list[str | Path]]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        address = self.front_address
        Addresses(self.node).add(front.METADATA_ADDRESS)
        for name, command in commands.items():
            daemon = self.node.daemon(name)
            if not self._current(name, command) and (process := daemon.process()) is not None:
                kill(process)
            # A daemon that was started by an `up` that was killed before it wrote the pid file.
            for stray in self.node.processes.named(str(command[2])):
                if (process := daemon.process()) is None or stray.pid != process.pid:
                    kill(stray)
            daemon.start(self.node.namespaces.command(command), env=self.node.environment)
            self._record(name).write_text(_fingerprint(command))
        Names(self.node.instance).give(FRONT, front.names(address))
        self._wait(address)

    def _wait(self, address: str) -> None:
        wanted = {driver.name for driver in DRIVERS}
        deadline = time.monotonic() + START_SECONDS
        while True:
            for name in (FRONT, CSI):
                self.node.daemon(name).require_alive()
            if listens(address, 443) and self._registered_drivers() >= wanted:
                return
            if time.monotonic() > deadline:
                log = self.node.daemon(FRONT).log
                raise LabError(f"The services did not answer within {START_SECONDS:.0f} s.", remedy=f"See {log}.")
            time.sleep(0.1)

    def _registered_drivers(self) -> set[str]:
        """The CSI drivers that are registered with the kubelet."""
        node = self.node.api.get(f"/apis/storage.k8s.io/v1/csinodes/{self.node.instance.name}")
        return {driver["name"] for driver in node["spec"].get("drivers") or []}

    @property
    def _registry(self) -> Path:
        return self.node.instance.folder / "kubelet/plugins_registry"

    def _front_command(self) -> list[str | Path]:
        return [
            *self._daemon_command(front.__name__, "front"),
            *("--address", self.front_address, "--folder", self.folder),
            *("--databases", database.folder(self.node)),
            *("--fake-gcs", programs.FAKE_GCS.build()),
            *("--node", npm.node(), "--azurite", programs.AZURITE.install()),
        ]

    def _csi_command(self) -> list[str | Path]:
        return [
            *self._daemon_command(csi_plugin.__name__, "csi"),
            *("--node", self.node.instance.name, "--folder", self.node.instance.folder / "cloud-volumes"),
            *("--registry", self._registry, "--descriptor", programs.CSI.build()),
        ]

    def _daemon_command(self, module: str, name: str) -> list[str | Path]:
        layout = self.node.instance.layout
        identity = layout.authority.issue(name, f"airflow-lab-{name}", groups=["system:masters"])
        return [
            *(sys.executable, "-m", module, "--server", layout.server, "--authority", layout.authority.certificate),
            *("--certificate", identity.certificate, "--key", identity.key),
            *("--inventory", self.inventory.folder),
        ]

    def _current(self, name: str, command: Sequence[str | Path]) -> bool:
        record = self._record(name)
        same = record.exists() and record.read_text() == _fingerprint(command)
        return same and self.node.daemon(name).process() is not None

    def _record(self, name: str) -> Path:
        return self.folder / f"{name}.made-by"


def _fingerprint(command: Sequence[str | Path]) -> str:
    """A hash that changes when the daemon's code or command line changes."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    parts = [os.fsencode(part) for part in command]
    return hashlib.sha256(b"\0".join([*parts, *(path.read_bytes() for path in sources)])).hexdigest()
