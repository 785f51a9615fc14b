"""A real Kubernetes node on this machine: start it, end it, use it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.node.node import Node


def up() -> None:
    """Start the node, or repair it, and wait until pods can run."""
    _node().up()


def down() -> None:
    """End the node and everything that belongs to it; built programs and images stay."""
    _node().down()


def status() -> list[tuple[str, str]]:
    """Each part of the node and its state, the node as a whole last."""
    return _node().status()


def ready() -> bool:
    """Whether the node is there and pods can run on it."""
    return _node().status()[-1] == ("node", "ready")


def log_files() -> list[Path]:
    """The logs of the node's parts, each named like its part in `status`; none when there is no node."""
    return _node().logs


def kubeconfig() -> Path:
    """The node's kubeconfig (mode 0600), context `airflow-lab`."""
    return _node().kubeconfig


def kubectl() -> Path:
    """A kubectl of the node's version."""
    from lab.node import programs

    return programs.KUBECTL.build()


def import_images(archives: Sequence[Path]) -> None:
    """Give the node the images of OCI archives that it does not have yet."""
    _node().import_images(archives)


def _node() -> Node:
    # Late: whoever only asks for kubectl or reads a name need not load all of the node.
    from lab.node.instance import Instance
    from lab.node.node import Node

    return Node(Instance())
