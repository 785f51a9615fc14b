"""The cloud layer: `provision` creates the resources below Airflow; `preflight_findings` are of checks before that."""

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
    """Create the cloud layer of a stack. Each branch imports its own SDKs: no stack loads another cloud's."""
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


def preflight_findings(cloud: CloudSettings, requirements: CloudRequirements) -> Iterator[Finding]:
    """Findings of the read-only checks before `up`; none for an existing cluster."""
    match cloud:
        case ExistingCluster():
            return
        case GcpCloud():
            from components.cloud.preflight import google

            yield from google.preflight(cloud, requirements)
        case AzureCloud():
            from components.cloud.preflight import azure

            yield from azure.preflight(cloud, requirements)
