"""The cluster that tests of the program run on: the lab's node, or the one that `LAB_CLUSTER` names.

`LAB_CLUSTER` is a context of the user's kubeconfig. Such a cluster is not started, not ended and given no images.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Final

from lab import kubectl as lab_kubectl
from lab import node
from lab.errors import LabError
from lab.node.instance import Instance
from lab.paths import state_dir

VARIABLE: Final = "LAB_CLUSTER"
TIMEOUT_SECONDS: Final = 60.0


def foreign() -> str:
    """The context of a cluster that is not the lab's; "" for the lab's node."""
    return os.environ.get(VARIABLE, "")


def context() -> str:
    """The context to name in a stack file."""
    return foreign() or Instance().name


def kubectl(*arguments: str, text: str | None = None, check: bool = True) -> str:
    """As `lab.kubectl.kubectl`, on this cluster."""
    return lab_kubectl.kubectl(*arguments, text=text, check=check, kubeconfig=kubeconfig())


def kubeconfig() -> Path:
    """A kubeconfig whose only context is this cluster's.

    Raises:
        LabError: LAB_CLUSTER names a context that the kubeconfig does not have.
    """
    return _extracted(foreign()) if foreign() else node.kubeconfig()


def address() -> str:
    """An address of a node, for NodePorts.

    Raises:
        LabError: the cluster does not answer, or has no node.
    """
    if not foreign():
        return Instance().address
    nodes = json.loads(kubectl("get", "nodes", "--output", "json"))["items"]
    found = [each["address"] for item in nodes for each in item["status"]["addresses"] if each["type"] == "InternalIP"]
    if not found:
        raise LabError(f"The cluster {foreign()} has no node with an address.")
    return str(found[0])


@cache
def _extracted(name: str) -> Path:
    path = state_dir() / "cluster.kubeconfig"
    command = [node.kubectl(), "config", "view", "--raw", "--minify", "--flatten", "--context", name]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    if run.returncode != 0:
        raise LabError(
            f"{VARIABLE}={name}: {run.stderr.strip()[-500:]}",
            remedy="See `kubectl config get-contexts` for the contexts of your kubeconfig.",
        )
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(run.stdout)
    return path
