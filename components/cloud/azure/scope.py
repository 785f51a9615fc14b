"""Values that all resources of one stack on Azure share."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi

from components.cloud.azure.names import ResourceNames
from components.settings.azure import catalogue
from components.settings.azure.cloud import AzureCloud


@dataclass(frozen=True, kw_only=True)
class AzureScope:
    """Settings, names and resource group of one stack."""

    settings: AzureCloud
    names: ResourceNames
    group: pulumi.Output[str]
    """Name of the resource group."""
    late: pulumi.ResourceHookBinding
    """Hooks that repeat calls which Azure refuses for some minutes."""
    protect: bool
    """Whether resources that hold data refuse to be deleted."""

    @property
    def location_zones(self) -> tuple[str, ...]:
        """Zones of public addresses, independent of the nodes' zones: more zones cost nothing."""
        return catalogue.ZONES if catalogue.has_zones(self.settings.region) else ()
