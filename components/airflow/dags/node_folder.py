"""DAG files in a folder of the node."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import HostPathVolumeSourceArgs, VolumeArgs

from components.airflow.context import InstanceContext
from components.airflow.dags.claimed import volume_overlays
from components.airflow.dags.delivery import Delivery, folder_bundle
from components.settings.sections.dag_source import DagSource


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery | None:
    """The folder of the node as a volume; None for another source."""
    del context
    if source.node_folder is None:
        return None
    volume = VolumeArgs(
        name=f"dags-{source.name}", host_path=HostPathVolumeSourceArgs(path=source.node_folder, type="Directory")
    )
    return Delivery(
        bundle=folder_bundle(source.name, source.folder, source.refresh_seconds),
        overlays=volume_overlays(source, volume, ""),
    )
