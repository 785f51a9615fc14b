"""Types of IPv4 address ranges (CIDR)."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Annotated, Final

from pydantic import AfterValidator, Field

PRIVATE_USE: Final = (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16"))
"""RFC 1918."""
PRIVATE: Final = (*PRIVATE_USE, IPv4Network("100.64.0.0/10"))
"""Private and shared address space (RFC 1918, RFC 6598)."""


def _network(text: str, example: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise ValueError(f"is not an address range ({error}); write one like {example}") from None


def _private(text: str) -> str:
    """The address range, if it is a private one.

    Raises:
        ValueError: it is not private, or has host bits set; "rule; remedy".
    """
    network = _network(text, "10.10.0.0/20")
    if not any(network.subnet_of(private) for private in PRIVATE):
        raise ValueError("is not private; use a range of 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 or 100.64.0.0/10")
    return text


def _clients(text: str) -> str:
    """The address range of permitted clients.

    Raises:
        ValueError: not a range, or all addresses; "rule; remedy".
    """
    if _network(text, "203.0.113.7/32").prefixlen == 0:
        raise ValueError("permits every address; list the ranges of the operators of the stack")
    return text


AddressRange = Annotated[str, AfterValidator(_private), Field(title="private IPv4 range in CIDR form")]
ClientRange = Annotated[str, AfterValidator(_clients), Field(title="IPv4 range in CIDR form")]
