"""A real Kubernetes node on this machine: functions to start, stop and use it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.node.node import Node


def up() -> None:
    """Start the node, or restart what died, and wait until pods can run."""
    _node().up()


def down() -> None:
    """Stop the node and delete its data. Built programs and images stay."""
    _node().down()


def status() -> list[tuple[str, str]]:
    """The state of each daemon, and of the whole node as the last entry."""
    return _node().status()


def ready() -> bool:
    """Whether pods can run on the node."""
    return _node().status()[-1] == ("node", "ready")


def log_files() -> list[Path]:
    """The logs of the node's daemons, named like the daemons in `status`; empty if there is no node."""
    return _node().logs


def kubeconfig() -> Path:
    """The node's kubeconfig (mode 0600), context `airflow-lab`."""
    return _node().kubeconfig


def kubectl() -> Path:
    """A kubectl of the node's version."""
    from lab.node import programs

    return programs.KUBECTL.build()


def import_images(archives: Sequence[Path]) -> None:
    """Import the images of OCI archives that the node does not have yet."""
    _node().import_images(archives)


def _node() -> Node:
    # Imported here: callers that only need kubectl or a name do not load the node's modules.
    from lab.node.instance import Instance
    from lab.node.node import Node

    return Node(Instance())
