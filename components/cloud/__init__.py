"""The cloud layer: `provision` makes what Airflow stands on and returns it as one value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.settings.cloud import GcpCloud, LocalCloud

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
        case other:
            raise ValueError(f"settings let a cloud through that cannot be provisioned: {other.kind}")
