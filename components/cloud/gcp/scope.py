"""Values that all resources of one stack on Google Cloud share."""

from __future__ import annotations

from dataclasses import dataclass

from components.cloud.gcp.apis import Apis
from components.cloud.gcp.names import ResourceNames
from components.settings.gcp.cloud import GcpCloud


@dataclass(frozen=True, kw_only=True)
class GcpScope:
    """Settings, names and enabled APIs of one stack."""

    settings: GcpCloud
    names: ResourceNames
    apis: Apis
    protect: bool
    """Whether resources that hold data refuse to be deleted."""
