"""DAG files that are part of the Airflow image."""

from __future__ import annotations

from components.airflow.context import InstanceContext
from components.airflow.dags.delivery import Delivery, folder_bundle
from components.settings.sections.dag_source import DagSource


def create_delivery(context: InstanceContext, source: DagSource) -> Delivery:
    """The bundle of a folder that containers have already."""
    del context
    return Delivery(bundle=folder_bundle(source.name, source.folder, source.refresh_seconds))
