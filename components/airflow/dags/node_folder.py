"""DAG files in a folder of the node."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import HostPathVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Delivery, folder_bundle
from components.airflow.feature import PodOverlay
from components.contract.workloads import DAG_READERS
from components.settings.sections.dag_source import DagSource


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery | None:
    """The folder of the node as a volume; None for another source."""
    del context
    if source.node_folder is None:
        return None
    volume = f"dags-{source.name}"
    return Delivery(
        bundle=folder_bundle(source.name, source.folder, source.refresh_seconds),
        overlays=[
            PodOverlay(
                workloads=DAG_READERS,
                volumes=[
                    VolumeArgs(
                        name=volume, host_path=HostPathVolumeSourceArgs(path=source.node_folder, type="Directory")
                    )
                ],
                mounts=[VolumeMountArgs(name=volume, mount_path=source.folder, read_only=True)],
            )
        ],
    )
