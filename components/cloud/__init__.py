"""The cloud layer: `provision` makes what Airflow stands on and returns it as one value; `preflight` asks before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.settings.azure.cloud import AzureCloud
from components.settings.existing.cloud import ExistingCluster
from components.settings.gcp.cloud import GcpCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from components.cloud.preflight.findings import Finding
    from components.contract.cloud import Cloud
    from components.contract.requirements import CloudRequirements
    from components.settings.sections.cloud import Cloud as CloudSettings


def provision(cloud: CloudSettings, requirements: CloudRequirements) -> Cloud:
    """Make the cloud layer of a stack. Each branch imports its own SDKs: no stack loads another cloud's."""
    match cloud:
        case ExistingCluster():
            from components.cloud.existing import layer

            return layer.provision(cloud, requirements)
        case GcpCloud():
            from components.cloud.gcp import layer

            return layer.provision(cloud, requirements)
        case AzureCloud():
            from components.cloud.azure import layer

            return layer.provision(cloud, requirements)


def preflight(cloud: CloudSettings, requirements: CloudRequirements) -> Iterator[Finding]:
    """The cloud's answers before `up`, read-only; none for an existing cluster."""
    match cloud:
        case ExistingCluster():
            return
        case GcpCloud():
            from components.cloud.preflight import google

            yield from google.preflight(cloud, requirements)
        case AzureCloud():
            from components.cloud.preflight import azure

            yield from azure.preflight(cloud, requirements)
