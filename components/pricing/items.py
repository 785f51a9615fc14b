"""Billed resources of a stack as amounts of SKUs, without prices: the border between settings and price lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Item:
    """A resource that is billed for its existence."""

    resource: str
    detail: str
    """Size, tier or count, in words."""
    skus: Mapping[str, float]
    """Amount of each SKU in one unit: a node of 4 vCPUs and 16 GiB is 4 of one SKU and 16 of another."""
    unit: str
    """The counted thing in the singular: node, server, GiB."""
    quantity_min: float = 1
    quantity_max: float = 1
    limit: Mapping[str, float] = field(default_factory=dict[str, float])
    """SKUs whose price is the upper limit of `skus`, for prices that change from day to day and that a list may lack;
    empty: there is none."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """A cost that depends on use, which no setting tells."""

    text: str
    sku: str | None = None
    """The SKU of its unit price; None if there is none in the lists."""
