"""Address ranges of a stack on Azure, and access to its cluster's API."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationInfo, field_validator

from components.settings.cidr import AddressRange
from components.settings.managed_cloud import AuthorizedRanges
from components.settings.types import Model

RESERVED_BY_AKS: Final = (IPv4Network("172.30.0.0/16"), IPv4Network("172.31.0.0/16"), IPv4Network("192.0.2.0/24"))
"""Ranges that no range of a cluster may overlap, https://learn.microsoft.com/azure/aks/azure-cni-overlay."""
LONGEST: Final[Mapping[str, int]] = {
    "network": 24,
    "nodes": 28,
    "database": 28,
    "endpoints": 28,
    "pods": 22,
    "services": 27,
}
"""The longest prefix that leaves enough addresses: 16 for a delegated subnet, a /24 for each of four nodes' pods."""
SERVICES_SHORTEST: Final = 13
"""A range of Services is smaller than a /12."""
SUBNETS: Final = ("nodes", "database", "endpoints")


class Network(Model):
    """The stack's own virtual network. Its ranges cannot change later without a new cluster and database."""

    network: Annotated[AddressRange, Field(validate_default=True)] = "10.42.0.0/16"
    """The whole network, which contains the subnets."""
    nodes: Annotated[AddressRange, Field(validate_default=True)] = "10.42.0.0/20"
    """Subnet of the nodes, one address each."""
    database: Annotated[AddressRange, Field(validate_default=True)] = "10.42.16.0/27"
    """Subnet of the database only."""
    endpoints: Annotated[AddressRange, Field(validate_default=True)] = "10.42.16.32/27"
    """Subnet of private endpoints."""
    pods: Annotated[AddressRange, Field(validate_default=True)] = "10.244.0.0/16"
    """Addresses of the pods, in an overlay outside the network; each node takes a /24 of it."""
    services: Annotated[AddressRange, Field(validate_default=True)] = "10.96.0.0/16"
    """Addresses of Services, valid only in the cluster."""
    outbound: Literal["load_balancer", "nat_gateway"] = "load_balancer"
    """Outbound connections of nodes. A NAT gateway has one fixed address, many ports and an additional price, and fails
    with its zone; a load balancer is in all zones."""
    private_endpoints: bool = False
    """Whether storage has only private addresses; otherwise it has public addresses, open to the nodes' subnet."""

    @field_validator("network", "nodes", "database", "endpoints", "pods", "services")
    @classmethod
    def _fits(cls, text: str, info: ValidationInfo) -> str:
        name, network = info.field_name or "", IPv4Network(text)
        if network.prefixlen > LONGEST[name]:
            raise ValueError(f"is too small; use /{LONGEST[name]} or a larger range")
        if name == "services" and network.prefixlen < SERVICES_SHORTEST:
            raise ValueError(f"is larger than a cluster accepts; use /{SERVICES_SHORTEST} or a smaller range")
        if any(network.overlaps(taken) for taken in RESERVED_BY_AKS):
            raise ValueError(
                f"overlaps {' or '.join(map(str, RESERVED_BY_AKS))}, which AKS reserves; use another range"
            )
        whole: str | None = info.data.get("network")
        if name in SUBNETS and whole is not None and not network.subnet_of(IPv4Network(whole)):
            raise ValueError(f"is outside network ({whole}); use a part of that")
        for other, taken in info.data.items():
            if (other == "network" and name in SUBNETS) or other not in LONGEST:
                continue
            if network.overlaps(IPv4Network(taken)):
                raise ValueError(f"overlaps {other} ({taken}); use ranges that share no address")
        return text

    def address_of_service(self, index: int) -> str:
        """One address of the Services' range, counted from its beginning."""
        return str(IPv4Network(self.services)[index])


class PublicEndpoint(Model):
    """Reachable from anywhere, by users whom Entra authenticates."""

    kind: Literal["public"]


Endpoint = Annotated[PublicEndpoint | AuthorizedRanges, Field(discriminator="kind")]
