"""Address ranges of a stack on Google Cloud, and access to its cluster's API."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator

from components.settings.cidr import PRIVATE_USE, AddressRange
from components.settings.managed_cloud import AuthorizedRanges
from components.settings.types import Model

DOCKER: Final = IPv4Network("172.17.0.0/16")
"""Cloud SQL cannot answer clients from here, https://cloud.google.com/sql/docs/postgres/private-ip. Clients outside RFC
1918 need authorized networks, https://cloud.google.com/sql/docs/postgres/authorize-networks, and GKE hides pods behind
their node's address only for targets outside its default non-masquerade ranges, which hold RFC 6598."""


class Network(Model):
    """Address ranges of the stack's own network. They cannot change later without a new cluster."""

    nodes: Annotated[AddressRange, Field(validate_default=True)] = "10.10.0.0/20"
    """Addresses of the nodes, one each."""
    pods: Annotated[AddressRange, Field(validate_default=True)] = "10.16.0.0/16"
    """Addresses of the pods; each node takes a /24 of it."""
    services: Annotated[AddressRange, Field(validate_default=True)] = "10.11.0.0/20"
    """Addresses of Services in the cluster."""
    private_services: Annotated[AddressRange, Field(validate_default=True)] = "10.12.0.0/20"
    """Addresses of the database and of file shares, in a network of Google's that is connected to this one."""

    @field_validator("nodes", "pods", "services", "private_services")
    @classmethod
    def _room(cls, text: str, info: ValidationInfo) -> str:
        network = IPv4Network(text)
        longest = {"nodes": 28, "pods": 21, "services": 27, "private_services": 24}[info.field_name or ""]
        if network.prefixlen > longest:
            raise ValueError(f"is too small; use /{longest} or a larger range")
        if info.field_name in ("nodes", "pods") and not any(network.subnet_of(each) for each in PRIVATE_USE):
            raise ValueError(
                "is outside RFC 1918, and Cloud SQL does not answer such clients privately; use a range of "
                "10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16"
            )
        if network.overlaps(DOCKER):
            raise ValueError(f"overlaps {DOCKER}, which Cloud SQL does not answer; use another range")
        for other, taken in info.data.items():
            if network.overlaps(IPv4Network(taken)):
                raise ValueError(f"overlaps {other} ({taken}); use ranges that share no address")
        return text


class DnsEndpoint(Model):
    """Reachable from anywhere by DNS name, authorised by Google Cloud's IAM; no IP address is exposed."""

    kind: Literal["dns"]


Endpoint = Annotated[DnsEndpoint | AuthorizedRanges, Field(discriminator="kind")]
