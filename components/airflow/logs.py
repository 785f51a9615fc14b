"""Where task logs are written, and read from when the pod is gone."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolumeClaimVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.options import LOG_FOLDER
from components.kubernetes import pods


@dataclass(frozen=True, kw_only=True)
class LogFolder:
    """The log folder of the pods: the shared volume when there is one."""

    claim_name: pulumi.Output[str] | None
    """The claim that it is on; None is a folder of each pod's own."""

    def volume(self, size_mib: int) -> VolumeArgs:
        """The pod's volume; `size_mib` bounds a folder of its own."""
        if self.claim_name is None:
            return VolumeArgs(name="logs", empty_dir=pods.empty_dir(size_mib))
        source = PersistentVolumeClaimVolumeSourceArgs(claim_name=self.claim_name)
        return VolumeArgs(name="logs", persistent_volume_claim=source)

    @property
    def mount(self) -> VolumeMountArgs:
        """The container's mount."""
        return VolumeMountArgs(name="logs", mount_path=LOG_FOLDER)
