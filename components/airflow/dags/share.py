"""DAG files on a file share of the cloud."""

from __future__ import annotations

from components.airflow.context import InstanceContext
from components.airflow.dags.claimed import claimed_files
from components.airflow.dags.delivery import Delivery, WritableClaim, folder_bundle
from components.airflow.volumes import create_shared_claim
from components.settings.sections.dag_source import DagSource


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery | None:
    """The claim of the share, mounted by all that run DAG code; None for another source."""
    if source.share is None:
        return None
    claim = create_shared_claim(context, "dags")
    assert claim is not None, "a cloud must have the share that settings ask for"
    return Delivery(
        bundle=folder_bundle(source.name, source.folder, source.refresh_seconds),
        overlays=claimed_files(source, claim, source.share.sub_path),
        upload=WritableClaim(name=claim, folder=source.share.sub_path),
    )
