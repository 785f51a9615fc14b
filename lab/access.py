"""Port forwarding from this machine to a Service in the cluster, by kubectl."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lab import node
from lab.daemon import Daemon
from lab.errors import LabError

START_SECONDS: Final = 30


def port_forward(
    folder: Path, *, kubeconfig: Path, namespace: str, service: str, port: int, local_port: int = 0
) -> tuple[Daemon, str]:
    """Forward a local port to a Service. Returns the daemon, which keeps running, and the URL.

    Args:
        local_port: the port to listen on; another free port if it is in use; 0 means any free port.

    Raises:
        LabError: kubectl could not forward the port.
    """
    daemon = Daemon(name=f"port-forward-{namespace}-{service}", folder=folder)
    # Its own forward must not count as a user of the port.
    daemon.stop()
    requested = local_port if local_port and _free(local_port) else 0
    command = [node.kubectl(), "--kubeconfig", kubeconfig, "--namespace", namespace]
    return daemon, forward(daemon, [*command, "port-forward", f"service/{service}", f"{requested or ''}:{port}"])


def forward(daemon: Daemon, command: Sequence[str | Path]) -> str:
    """Start a `kubectl port-forward` as a daemon, which keeps running, and return the URL.

    Raises:
        LabError: kubectl could not forward the port.
    """
    daemon.stop()
    daemon.log.unlink(missing_ok=True)
    daemon.start(command)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        match = re.search(r"Forwarding from 127\.0\.0\.1:(\d+)", daemon.log.read_text())
        if match:
            return f"http://localhost:{match.group(1)}"
        daemon.require_alive()
        time.sleep(0.1)
    daemon.stop()
    raise LabError(f"kubectl did not forward a port within {START_SECONDS} s.", remedy=f"See {daemon.log}.")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
