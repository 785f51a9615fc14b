"""Settings that mean the same on Google Cloud and on Azure: one name, and one model where the values are the same.

Models that a cloud extends say here what both have; the cloud adds its own keys, limits and defaults.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from components.settings.cidr import ClientRange
from components.settings.types import Model


class AuthorizedRanges(Model):
    """Reachable from the listed address ranges only, by users whom the cloud authenticates."""

    kind: Literal["authorized_ranges"]
    ranges: Annotated[
        list[ClientRange], Field(min_length=1, max_length=200, title="list of IPv4 ranges, not everyone's")
    ]
    """Address ranges of operators, and of the machine that runs this program."""


class NodePool(Model):
    """Nodes of one machine type. The autoscaler keeps their number between two bounds.

    Google Cloud counts the nodes of each zone, Azure those of all zones together: each cloud's key says so.
    """

    machine_type: str
    nodes_min: int
    nodes_max: int
    disk_gib: int

    @field_validator("nodes_max", check_fields=False)
    @classmethod
    def _ordered(cls, nodes_max: int, info: ValidationInfo) -> int:
        if nodes_max < (least := info.data.get("nodes_min", 0)):
            raise ValueError(f"is below nodes_min ({least}); use at least that many")
        return nodes_max


class Maintenance(Model):
    """The weekly window in which the cloud may upgrade cluster and database."""

    hour: Annotated[int, Field(ge=0, le=23)]
    """Hour (UTC) at which the window begins."""


class BrokerDisk(Model):
    """The disk of the broker; its size is the broker's own setting."""

    kept: bool = False
    """Whether the disk, with the messages on it, stays when the stack is destroyed."""
