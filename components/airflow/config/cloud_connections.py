"""Connections to the services of the cloud that a stack runs on, by the names that operators use by default."""

from __future__ import annotations

from typing import Final

import pulumi

from components.airflow.context import InstanceContext
from components.airflow.feature import Feature, PodOverlay
from components.contract.workloads import DAG_READERS
from components.settings.sections.options import Reserved

GOOGLE: Final = "AIRFLOW_CONN_GOOGLE_CLOUD_DEFAULT"
"""The variable of `google_cloud_default`, the connection of all Google operators that name none: `default_conn_name` in
apache-airflow-providers-google, airflow/providers/google/common/hooks/base_google.py."""

AZURE: Final = "AIRFLOW_CONN_AZURE_DEFAULT"
"""The variable of `azure_default`, the connection of the operators of Azure Resource Manager that name none:
`default_conn_name` in apache-airflow-providers-microsoft-azure, hooks/compute.py and container_instance.py, 15.1.0.
Without login and password, AzureBaseHook takes DefaultAzureCredential, hooks/base_azure.py."""

RESERVED: Final[Reserved] = {}


def create_feature(context: InstanceContext) -> Feature:
    """The cloud's default connection for everything that runs DAG code. It has no key: pods have an identity.

    A variable takes precedence over a connection of this name in Airflow's database.
    """
    services = context.cloud.services
    if services is None:
        return Feature()
    match services.kind:
        case "google":
            connection = pulumi.Output.json_dumps(
                {"conn_type": "google_cloud_platform", "extra": {"project": services.project}}
            )
            return Feature(overlays=[PodOverlay(workloads=DAG_READERS, environment={GOOGLE: connection})])
        case "azure":
            connection = pulumi.Output.json_dumps({"conn_type": "azure", "extra": {"subscriptionId": services.project}})
            return Feature(overlays=[PodOverlay(workloads=DAG_READERS, environment={AZURE: connection})])
