"""DAG files on a file share of the cloud."""

from __future__ import annotations

from pulumi_kubernetes.core.v1 import PersistentVolumeClaimVolumeSourceArgs, VolumeArgs, VolumeMountArgs

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Delivery, folder_bundle
from components.airflow.feature import PodOverlay
from components.airflow.volumes import create_shared_claim
from components.contract.workloads import DAG_READERS
from components.settings.sections.dag_source import DagSource


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery | None:
    """The claim of the share, mounted by all that run DAG code; None for another source."""
    if source.share is None:
        return None
    claim = create_shared_claim(context, "dags")
    assert claim is not None, "a cloud must have the share that settings ask for"
    volume = f"dags-{source.name}"
    return Delivery(
        bundle=folder_bundle(source.name, source.folder, source.refresh_seconds),
        overlays=[
            PodOverlay(
                workloads=DAG_READERS,
                # Only the mount is read-only: the node can then create a folder that an empty share lacks.
                volumes=[
                    VolumeArgs(
                        name=volume,
                        persistent_volume_claim=PersistentVolumeClaimVolumeSourceArgs(claim_name=claim),
                    )
                ],
                mounts=[
                    VolumeMountArgs(
                        name=volume,
                        mount_path=source.folder,
                        sub_path=source.share.sub_path or None,
                        read_only=True,
                    )
                ],
            )
        ],
    )
