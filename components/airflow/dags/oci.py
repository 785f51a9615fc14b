"""DAG files in an image of their own."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from pulumi_kubernetes.core.v1 import ContainerArgs, ImageVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Delivery, folder_bundle
from components.airflow.feature import PodOverlay
from components.contract.workloads import DAG_READERS, PLUGIN_LOADERS, Workload
from components.kubernetes import pods
from components.settings.sections.dag_source import DagImage, DagSource
from components.settings.types import Resources

TARGET: Final = "/dag-files"
"""The folder of the pod in the container that copies."""
DAGS: Final = "dags"
PLUGINS: Final = "plugins"
COPY: Final = 'set -e; while [ $# -gt 0 ]; do mkdir -p "$2"; cp -R "$1/." "$2/"; shift 2; done'
"""A shell script: copies each pair of folders in its arguments. Images from scratch have no shell; they need the mount
`image_volume`."""
RESOURCES: Final = Resources(cpu_milli=10, memory_mib=64)
"""The copy runs for less than a second; the cache of written files is not counted."""


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery | None:
    """The image for all that run DAG code or load plugins; None for another source."""
    del context
    if source.image is None:
        return None
    parts = [(DAGS, source.image.path, source.folder)]
    groups: list[tuple[Collection[Workload], Sequence[tuple[str, str, str]]]] = [(DAG_READERS, parts)]
    if source.image.plugins is not None and source.plugins_folder is not None:
        plugins = (PLUGINS, source.image.plugins, source.plugins_folder)
        groups = [(DAG_READERS, [*parts, plugins]), (PLUGIN_LOADERS - DAG_READERS, [plugins])]
    volume = f"dags-{source.name}"
    return Delivery(
        bundle=folder_bundle(source.name, source.folder, source.refresh_seconds),
        overlays=[_overlay(volume, source.image, workloads, folders) for workloads, folders in groups],
    )


def _overlay(
    volume: str, image: DagImage, workloads: Collection[Workload], folders: Sequence[tuple[str, str, str]]
) -> PodOverlay:
    """The folders of an image in the pods of some workloads.

    Args:
        volume: the volume's name.
        image: the image.
        workloads: the workloads.
        folders: for each, its name in the volume, its path in the image, and its path in the container.
    """
    if image.mount.copy_mib is None:
        source = ImageVolumeSourceArgs(reference=image.reference, pull_policy=image.pull_policy)
        return PodOverlay(
            workloads=workloads,
            volumes=[VolumeArgs(name=volume, image=source)],
            mounts=[
                VolumeMountArgs(name=volume, mount_path=path, sub_path=inside.strip("/") or None, read_only=True)
                for _, inside, path in folders
            ],
        )
    return PodOverlay(
        workloads=workloads,
        volumes=[VolumeArgs(name=volume, empty_dir=pods.empty_dir(image.mount.copy_mib))],
        mounts=[
            VolumeMountArgs(name=volume, mount_path=path, sub_path=name, read_only=True) for name, _, path in folders
        ],
        setup=[_copy(volume, image, folders)],
    )


def _copy(volume: str, image: DagImage, folders: Sequence[tuple[str, str, str]]) -> ContainerArgs:
    """The container that copies the folders of its image into the volume."""
    pairs = [path for name, inside, _ in folders for path in (inside.rstrip("/"), f"{TARGET}/{name}")]
    return pods.container(
        f"{volume}-copy",
        image=image.reference,
        image_pull_policy=image.pull_policy,
        resources=RESOURCES,
        command=["sh", "-c", COPY, "copy", *pairs],
        volume_mounts=[VolumeMountArgs(name=volume, mount_path=TARGET)],
    )
