"""Addresses of services on the node, in the network between the node and the machine.

Pods and the machine can reach them. Each service with an official protocol on its official port has its own address.
"""

from __future__ import annotations

import json
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lab.errors import LabError
from lab.lock import locked
from lab.node.network import NODE_INTERFACE
from lab.node.node import Node

_FIRST: Final = 20
_LAST: Final = 250


@dataclass(frozen=True)
class Addresses:
    """The addresses of one node's services, stored by name, so that each keeps it when the node is repaired."""

    node: Node

    def take(self, service: str) -> str:
        """The address of a service on the node's interface; a new service gets the first free address.

        Raises:
            LabError: no address is free, or the node is down.
        """
        with locked(self._record.with_suffix(".lock")):
            taken = self._taken()
            if service not in taken:
                free = next((each for each in self._all() if each not in taken.values()), None)
                if free is None:
                    raise LabError(f"The node has no address left for {service}.")
                taken[service] = free
                self._write(taken)
        self._ip("replace", taken[service])
        return taken[service]

    def drop(self, service: str) -> None:
        """Release the address of a service; does nothing if it has none."""
        with locked(self._record.with_suffix(".lock")):
            taken = self._taken()
            if (address := taken.pop(service, None)) is not None:
                self._write(taken)
                self._ip("delete", address, check=False)

    def add(self, address: str) -> None:
        """Add an address that a protocol fixes, such as that of a metadata server, to the node."""
        self._ip("replace", address)

    def _ip(self, verb: str, address: str, *, check: bool = True) -> None:
        command = ["ip", "address", verb, f"{address}/32", "dev", NODE_INTERFACE]
        done = subprocess.run(self.node.namespaces.command(command), check=False, capture_output=True, text=True)
        if check and done.returncode != 0:
            raise LabError(f"{address} could not be given to the node: {done.stderr.strip()}")

    def _all(self) -> list[str]:
        prefix = self.node.instance.address.rpartition(".")[0]
        return [f"{prefix}.{number}" for number in range(_FIRST, _LAST + 1)]

    def _taken(self) -> dict[str, str]:
        return dict(json.loads(self._record.read_text())) if self._record.exists() else {}

    def _write(self, taken: dict[str, str]) -> None:
        partial = self._record.with_suffix(".partial")
        partial.write_text(json.dumps(taken, indent=2))
        partial.rename(self._record)

    @property
    def _record(self) -> Path:
        return self.node.instance.folder / "addresses.json"


def listens(address: str, port: int) -> bool:
    """Whether a server accepts connections at this address and port."""
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True
