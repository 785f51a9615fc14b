"""DAG files on a volume of an existing claim."""

from __future__ import annotations

from components.airflow.context import InstanceContext
from components.airflow.dags.claimed import claimed_files
from components.airflow.dags.delivery import Delivery, WritableClaim, folder_bundle
from components.settings.sections.dag_source import DagSource


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery | None:
    """The claim, mounted by all that run DAG code; None for another source."""
    del context
    if source.claim is None:
        return None
    return Delivery(
        bundle=folder_bundle(source.name, source.folder, source.refresh_seconds),
        overlays=claimed_files(source, source.claim.claim_name, source.claim.sub_path),
        upload=WritableClaim(name=source.claim.claim_name, folder=source.claim.sub_path),
    )
