"""A cluster that is not the lab's: one that kind or Minikube creates, or a context of the user's kubeconfig.

`python -m lab.own_cluster CLUSTER` checks for the tools. This check runs without any package, and writes nothing.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lab.errors import LabError, run_command_line
from lab.machine import MEMORY_GIB_MIN, NODE_MEMORY_GIB

NAME: Final = "airflow-demo"
"""The name of a cluster that the demonstration creates; no other cluster is ever deleted."""
MEMORY_MIB: Final = NODE_MEMORY_GIB * 1024
CPUS: Final = 4
COMMAND_SECONDS: Final = 60.0
DOCKER_MEMORY: Final = ("docker", "info", "--format", "{{.MemTotal}}")
"""Bytes, https://docs.docker.com/reference/cli/docker/system/info/."""
INSTALL: Final = {
    "pulumi": "https://www.pulumi.com/docs/install/",
    "kubectl": "https://kubernetes.io/docs/tasks/tools/",
    "kind": "https://kind.sigs.k8s.io/docs/user/quick-start/#installation",
    "minikube": "https://minikube.sigs.k8s.io/docs/start/",
    "docker": "https://docs.docker.com/get-started/get-docker/",
}
TOOLS: Final = ("pulumi", "kubectl")


@dataclass(frozen=True, kw_only=True)
class OwnCluster:
    """A cluster by its context, and the commands that create and delete it, if it is the demonstration's own."""

    context: str
    tools: Sequence[str]
    """Programs that must be on PATH."""
    exists: Sequence[str] = ()
    """A command that succeeds if the cluster exists."""
    create: Sequence[str] = ()
    delete: Sequence[str] = ()
    docker: bool = False
    """Whether Docker's daemon must run, with enough memory."""

    def missing(self) -> list[str]:
        """The programs that are not on PATH."""
        return [tool for tool in self.tools if shutil.which(tool) is None]

    def require(self) -> None:
        """Check that the cluster can be used, or created.

        Raises:
            LabError: a program is missing, Docker does not run, or the kubeconfig has no such context.
        """
        missing = self.missing()
        if missing:
            where = ", ".join(f"{tool}: {INSTALL[tool]}" for tool in missing)
            raise LabError(f"Not on PATH: {', '.join(missing)}.", remedy=f"Install them ({where}).")
        if self.docker:
            _require_docker()
        if not self.create and not _succeeds(["kubectl", "config", "get-contexts", self.context]):
            raise LabError(
                f"CLUSTER={self.context}: the kubeconfig has no such context.",
                remedy="`kubectl config get-contexts` lists them; `kind` and `minikube` create a cluster.",
            )

    def is_there(self) -> bool:
        """Whether the demonstration's own cluster exists."""
        return bool(self.exists) and _succeeds(self.exists)


def named(cluster: str) -> OwnCluster:
    """`kind`, `minikube`, or a context of the kubeconfig."""
    if cluster == "kind":
        return OwnCluster(
            context=f"kind-{NAME}",
            tools=(*TOOLS, "kind", "docker"),
            # kind's `get clusters` succeeds whatever it finds; this fails if there is no such cluster.
            exists=("kind", "get", "kubeconfig", "--name", NAME),
            create=("kind", "create", "cluster", "--name", NAME, "--wait", "180s"),
            delete=("kind", "delete", "cluster", "--name", NAME),
            docker=True,
        )
    if cluster == "minikube":
        return OwnCluster(
            context=NAME,
            tools=(*TOOLS, "minikube"),
            exists=("minikube", "status", "--profile", NAME),
            create=("minikube", "start", "--profile", NAME, f"--cpus={CPUS}", f"--memory={MEMORY_MIB}"),
            delete=("minikube", "delete", "--profile", NAME),
        )
    return OwnCluster(context=cluster, tools=TOOLS)


def _succeeds(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=COMMAND_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _require_docker() -> None:
    try:
        shown = subprocess.run(DOCKER_MEMORY, capture_output=True, check=False, timeout=COMMAND_SECONDS, text=True)
        memory = int(shown.stdout) if shown.returncode == 0 else 0
    except (OSError, ValueError, subprocess.TimeoutExpired):
        memory = 0
    if memory == 0:
        raise LabError("Docker does not run: `docker info` fails.", remedy="Start it, and run the command again.")
    if memory < MEMORY_GIB_MIN * 2**30:
        raise LabError(
            f"Docker has {memory / 2**30:.1f} GiB of memory, and Airflow needs {MEMORY_MIB // 1024} GiB.",
            remedy="Raise its limit, in Docker Desktop under Settings, Resources.",
        )


def require(cluster: str) -> None:
    """Check for everything that a demonstration on this cluster needs.

    Raises:
        LabError: the system is Windows, or as for `OwnCluster.require`.
    """
    if platform.system() == "Windows":
        raise LabError("The demonstration needs a POSIX shell.", remedy="Run it in WSL.")
    named(cluster).require()


if __name__ == "__main__":
    run_command_line(lambda: require(sys.argv[1]))
