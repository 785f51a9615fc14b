"""Billed resources of a stack as amounts of SKUs, without prices: the border between settings and price lists."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


def database_items(
    *, server: str, skus: Mapping[str, float], disk: str, disk_sku: str, disk_gib: int, standby: bool
) -> Iterator[Item]:
    """A database server and its disk. A standby costs the same once more, on both clouds.

    Args:
        server: the size in words.
        skus: amounts of the SKUs of one server.
        disk: the disk in words.
        disk_sku: the SKU of one GiB.
        disk_gib: size of the disk.
        standby: whether there is one.
    """
    servers, words = (2, ", with a standby") if standby else (1, "")
    yield Item(
        resource="database server",
        detail=f"{server}{words}",
        skus=skus,
        unit="server",
        quantity_min=servers,
        quantity_max=servers,
    )
    yield Item(
        resource="database disk",
        detail=f"{disk}{words}",
        skus={disk_sku: 1},
        unit="GiB",
        quantity_min=servers * disk_gib,
        quantity_max=servers * disk_gib,
    )


@dataclass(frozen=True, kw_only=True)
class Usage:
    """A cost that depends on use, which no setting tells."""

    text: str
    sku: str | None = None
    """The SKU of its unit price; None if there is none in the lists."""
