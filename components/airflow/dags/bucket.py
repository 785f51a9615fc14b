"""DAG files in a bucket, read with workload identity."""

from __future__ import annotations

from typing import Final

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Bundle, Delivery
from components.airflow.feature import PodOverlay
from components.contract.workloads import DAG_READERS
from components.settings.sections.dag_source import DagSource

GCS_BUNDLE: Final = "airflow.providers.google.cloud.bundles.gcs.GCSDagBundle"
"""It copies the whole bucket at each refresh, and at the start of each task pod; it has no versions
(apache-airflow-providers-google 22.5.0, google/cloud/bundles/gcs.py)."""
CONNECTION: Final = "airflow_dags"
"""The connection of the bundle. Without a key: access is by workload identity."""


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery | None:
    """The bundle of the bucket, and its connection for all that run DAG code; None for another source."""
    if source.bucket is None:
        return None
    bucket = context.cloud.dag_bucket
    assert bucket is not None, "a cloud must have the bucket that settings ask for"
    return Delivery(
        bundle=Bundle(
            name=source.name,
            classpath=GCS_BUNDLE,
            arguments={
                "bucket_name": bucket.name,
                "prefix": source.bucket.prefix,
                "gcp_conn_id": CONNECTION,
                "refresh_interval": source.refresh_seconds,
            },
        ),
        overlays=[
            PodOverlay(
                workloads=DAG_READERS,
                environment={f"AIRFLOW_CONN_{CONNECTION.upper()}": "google-cloud-platform://"},
            )
        ],
    )
