"""Where task logs are written, and read from when the pod is gone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    EmptyDirVolumeSourceArgs,
    PersistentVolumeClaim,
    PersistentVolumeClaimSpecArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    VolumeArgs,
    VolumeMountArgs,
    VolumeResourceRequirementsArgs,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgs

from components import naming, pods
from components.airflow.options import LOG_FOLDER
from components.cloud.interface import Volume


@dataclass(frozen=True, kw_only=True)
class LogFolder:
    """The log folder of a pod."""

    volume: VolumeArgs
    mount: VolumeMountArgs


def claim(
    name: str, instance: str, volume: Volume, namespace: pulumi.Output[str], opts: pulumi.ResourceOptions
) -> PersistentVolumeClaim:
    """A claim for one of the cloud's volumes."""
    return PersistentVolumeClaim(
        name,
        metadata=ObjectMetaArgs(
            namespace=namespace, labels=naming.labels(instance, "storage"), annotations=pods.SKIP_AWAIT
        ),
        spec=PersistentVolumeClaimSpecArgs(
            access_modes=[volume.access_mode],
            storage_class_name=volume.storage_class,
            resources=VolumeResourceRequirementsArgs(requests={"storage": f"{volume.size_gib}Gi"}),
        ),
        opts=opts,
    )


def log_folder(claim_name: pulumi.Output[str] | None) -> LogFolder:
    """The shared volume when there is one, else a folder that lives as long as the pod."""
    source = (
        VolumeArgs(name="logs", empty_dir=EmptyDirVolumeSourceArgs())
        if claim_name is None
        else VolumeArgs(
            name="logs",
            persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=claim_name),
        )
    )
    return LogFolder(volume=source, mount=VolumeMountArgs(name="logs", mount_path=LOG_FOLDER))
