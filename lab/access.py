"""A way from this machine to a Service in the cluster, kept open by kubectl."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path
from typing import Final

from lab import node
from lab.daemon import Daemon
from lab.errors import LabError

START_SECONDS: Final = 30


def port_forward(
    folder: Path, *, kubeconfig: Path, namespace: str, service: str, port: int, local_port: int = 0
) -> tuple[Daemon, str]:
    """Forward a local port to a Service; the daemon keeps running and its URL is returned with it.

    Args:
        local_port: the port to listen on, taken by another free one when it is in use; 0 is any.

    Raises:
        LabError: kubectl could not open it.
    """
    daemon = Daemon(name=f"port-forward-{namespace}-{service}", folder=folder)
    daemon.stop()
    daemon.log.unlink(missing_ok=True)
    chosen = local_port if local_port and _free(local_port) else 0
    command = [node.kubectl(), "--kubeconfig", kubeconfig, "--namespace", namespace]
    daemon.start([*command, "port-forward", f"service/{service}", f"{chosen or ''}:{port}"])
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        found = re.search(r"Forwarding from 127\.0\.0\.1:(\d+)", daemon.log.read_text())
        if found:
            return daemon, f"http://localhost:{found.group(1)}"
        daemon.require_alive()
        time.sleep(0.1)
    daemon.stop()
    raise LabError(f"kubectl did not forward to {service} within {START_SECONDS} s.", remedy=f"See {daemon.log}.")


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
