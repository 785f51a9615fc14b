"""The proxy that connections to the database go through, as a sidecar."""

from __future__ import annotations

from typing import Final

from pulumi_kubernetes.core.v1 import ContainerArgs, ContainerPortArgs, EnvVarArgs

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.contract.cloud import Sidecar
from components.contract.workloads import DATABASE_CLIENTS
from components.kubernetes import pods
from components.settings.sections.options import Reserved
from components.settings.types import Resources

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The sidecar of all pods that connect to the database; empty where they connect directly."""
    sidecar = context.cloud.databases.sidecar
    if sidecar is None:
        return Feature()
    return Feature(overlays=[PodOverlay(workloads=DATABASE_CLIENTS, sidecars=[container(sidecar)])])


def container(sidecar: Sidecar) -> ContainerArgs:
    """A native sidecar: an init container that keeps running, and whose end no Job and no task waits for."""
    return pods.container(
        sidecar.name,
        image=sidecar.image,
        resources=Resources(cpu_milli=sidecar.cpu_milli, memory_mib=sidecar.memory_mib),
        image_pull_policy="IfNotPresent",
        restart_policy="Always",
        args=list(sidecar.args),
        env=[EnvVarArgs(name=name, value=value) for name, value in sidecar.environment.items()],
        ports=[ContainerPortArgs(name="proxy-health", container_port=sidecar.health_port)],
        startup_probe=pods.http_probe(sidecar.startup_path, "proxy-health", period=1, timeout=5, failures=60),
    )
