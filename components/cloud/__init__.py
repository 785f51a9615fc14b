"""The cloud layer: `provision` makes what Airflow stands on and returns it as one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.settings.cloud import AzureCloud, GcpCloud, LocalCloud

if TYPE_CHECKING:
    from components.cloud.interface import Cloud
    from components.settings.stack import Settings


def provision(settings: Settings) -> Cloud:
    """Make the cloud layer of a stack. Each branch imports its own SDKs: no stack loads another cloud's."""
    match settings.cloud:
        case LocalCloud():
            from components.cloud import local

            return local.provision(settings, settings.cloud)
        case GcpCloud():
            from components.cloud import gcp

            return gcp.provision(settings, settings.cloud)
        case AzureCloud():
            from components.cloud import azure

            return azure.provision(settings, settings.cloud)
