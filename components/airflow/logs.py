"""Where task logs are written, and read from when the pod is gone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import (
    EmptyDirVolumeSourceArgs,
    PersistentVolumeClaimVolumeSourceArgs,
    VolumeArgs,
    VolumeMountArgs,
)

from components.airflow.options import LOG_FOLDER


@dataclass(frozen=True, kw_only=True)
class LogFolder:
    """The log folder of a pod."""

    volume: VolumeArgs
    mount: VolumeMountArgs


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
