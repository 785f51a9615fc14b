"""Additions of the stack to the pods of each workload, as `airflow:pods` lists them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from pulumi_kubernetes.core.v1 import (
    ConfigMapVolumeSourceArgs,
    ContainerArgs,
    ContainerPortArgs,
    EmptyDirVolumeSourceArgs,
    EnvVarArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    SecretVolumeSourceArgs,
    TolerationArgs,
    VolumeArgs,
    VolumeMountArgs,
)

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.contract.workloads import Workload
from components.kubernetes import pods
from components.settings.sections.options import Reserved
from components.settings.sections.pod_containers import Mount, PodContainer, Sidecar
from components.settings.sections.pod_volumes import PodVolume
from components.settings.sections.pods import PodAdditions, PodToleration, Target, additions, patches

PORT_SECONDS: Final = 300
"""Time in which a sidecar must accept connections on its port."""

RESERVED: Final[Reserved] = {}


def target(workload: Workload) -> Target:
    """The name of a workload in the settings."""
    return cast("Target", workload.replace("-", "_"))


def additions_by_workload(context: InstanceContext) -> dict[Workload, PodAdditions]:
    """The additions to each workload that the instance has; none to pods that authors of DAGs describe."""
    present: list[Workload] = [workload for workload in context.namespaces if workload != "pod"]
    return {workload: additions(context.settings.pods, target(workload)) for workload in present}


def create_feature(context: InstanceContext) -> Feature:
    """The additions, except secret variables; empty without any."""
    found = additions_by_workload(context)
    own = [_overlay(workload, own) for workload, own in found.items() if own != PodAdditions()]
    patched = [
        PodOverlay(workloads={workload}, patches=chosen)
        for workload in found
        if (chosen := patches(context.settings.pods, target(workload)))
    ]
    return Feature(overlays=[*own, *patched])


def _overlay(workload: Workload, own: PodAdditions) -> PodOverlay:
    volumes = {volume.name: volume for volume in own.volumes}
    return PodOverlay(
        workloads={workload},
        environment=dict(own.environment),
        labels=own.labels,
        annotations=own.annotations,
        node_selector=own.node_selector,
        tolerations=[_toleration(toleration) for toleration in own.tolerations],
        affinity=own.affinity.model_dump(mode="json", exclude_defaults=True) if own.affinity is not None else None,
        priority_class=own.priority_class,
        min_ready_seconds=own.min_ready_seconds,
        strategy=own.strategy,
        volumes=[_volume(volume) for volume in own.volumes],
        mounts=_mounts(own.mounts, volumes),
        setup=[_container(container, volumes) for container in own.init_containers],
        sidecars=[_sidecar(container, volumes) for container in own.sidecars],
    )


def _toleration(toleration: PodToleration) -> TolerationArgs:
    return TolerationArgs(
        key=toleration.key,
        operator="Exists" if toleration.value is None else "Equal",
        value=toleration.value,
        effect=toleration.effect,
        toleration_seconds=toleration.seconds,
    )


def _volume(volume: PodVolume) -> VolumeArgs:
    secret, config_map, claim, empty = volume.secret, volume.config_map, volume.claim, volume.empty
    return VolumeArgs(
        name=volume.pod_name,
        # Readable by the pod's group, and not by everyone.
        secret=SecretVolumeSourceArgs(secret_name=secret, default_mode=0o440) if secret is not None else None,
        config_map=ConfigMapVolumeSourceArgs(name=config_map) if config_map is not None else None,
        persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=claim) if claim is not None else None,
        empty_dir=EmptyDirVolumeSourceArgs(size_limit=f"{empty.size_mib}Mi", medium="Memory" if empty.memory else None)
        if empty is not None
        else None,
    )


def _mounts(mounts: Sequence[Mount], volumes: Mapping[str, PodVolume]) -> list[VolumeMountArgs]:
    return [
        VolumeMountArgs(
            name=volumes[mount.volume].pod_name,
            mount_path=mount.path,
            sub_path=mount.sub_path or None,
            read_only=True if mount.read_only or volumes[mount.volume].read_only else None,
        )
        for mount in mounts
    ]


def _container(container: PodContainer, volumes: Mapping[str, PodVolume], **rest: Any) -> ContainerArgs:
    return pods.container(
        container.name,
        image=container.image,
        image_pull_policy="IfNotPresent",
        resources=container,
        uid=container.uid,
        command=list(container.command) or None,
        args=list(container.args) or None,
        env=[EnvVarArgs(name=name, value=value) for name, value in container.environment.items()] or None,
        volume_mounts=_mounts(container.mounts, volumes) or None,
        **rest,
    )


def _sidecar(sidecar: Sidecar, volumes: Mapping[str, PodVolume]) -> ContainerArgs:
    rest: dict[str, Any] = {}
    if sidecar.port is not None:
        rest["ports"] = [ContainerPortArgs(name=f"port-{sidecar.port}", container_port=sidecar.port)]
        rest["startup_probe"] = pods.tcp_probe(f"port-{sidecar.port}", period=1, timeout=5, failures=PORT_SECONDS)
    # A native sidecar: an init container that runs on.
    return _container(sidecar, volumes, restart_policy="Always", **rest)
