"""The mounts of a claim with DAG files, and with plugins."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes.core.v1 import PersistentVolumeClaimVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.feature import PodOverlay
from components.contract.workloads import DAG_READERS, PLUGIN_LOADERS
from components.settings.sections.dag_source import DagSource


def claimed_files(source: DagSource, claim: pulumi.Input[str], sub_path: str) -> list[PodOverlay]:
    """The overlays of a claim.

    Args:
        source: the source.
        claim: name of the claim.
        sub_path: folder of the DAG files on the volume; "" is its root.
    """
    # Only the mounts are read-only: the node can then create a folder that an empty volume lacks.
    volume = VolumeArgs(
        name=f"dags-{source.name}",
        persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=claim),
    )
    return volume_overlays(source, volume, sub_path)


def volume_overlays(source: DagSource, volume: VolumeArgs, sub_path: str) -> list[PodOverlay]:
    """The overlays of any volume: its DAG files for all that run DAG code, its plugins for all that load plugins."""
    assert isinstance(volume.name, str), "a plain name"
    name = volume.name
    overlays = [
        PodOverlay(
            workloads=DAG_READERS,
            volumes=[volume],
            mounts=[
                VolumeMountArgs(name=name, mount_path=source.folder, sub_path=sub_path or None, read_only=True),
            ],
        )
    ]
    if source.plugins_path is not None and source.plugins_folder is not None:
        plugins = VolumeMountArgs(
            name=name, mount_path=source.plugins_folder, sub_path=source.plugins_path or None, read_only=True
        )
        overlays.append(PodOverlay(workloads=PLUGIN_LOADERS, mounts=[plugins]))
        overlays.append(PodOverlay(workloads=PLUGIN_LOADERS - DAG_READERS, volumes=[volume]))
    return overlays
