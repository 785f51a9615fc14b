"""The sum of every shipped stack, calculated by hand from the rows of the price lists.

A refreshed list changes these figures: calculate them again. Every expression names its resources in the order of the
table that `python -m operations price` prints.
"""

from __future__ import annotations

from typing import Final

import pytest

from components.pricing.estimate import price_of
from tests.unit.pricing.stacks import SHIPPED, settings

HOURS: Final = 730
DAYS: Final = 730 / 24
E2_STANDARD_4: Final = 4 * 0.02399337 + 16 * 0.00321609
E2_STANDARD_4_SPOT: Final = 4 * 0.00909 + 16 * 0.001217
DB_CUSTOM_2_7680: Final = 2 * 0.0413 + 7.5 * 0.007

SUMS: Final[dict[str, tuple[float, float]]] = {
    "dev": (
        # cluster, 1 node, its disk, NAT gateway and address, database, its disk, broker disk
        HOURS * 0.10
        + HOURS * 1 * E2_STANDARD_4
        + 1 * 50 * 0.10
        + HOURS * 1 * 0.0014
        + HOURS * 0.005
        + HOURS * 0.035
        + 10 * 0.17
        + 10 * 0.17,
        # the same with 3 nodes
        HOURS * 0.10
        + HOURS * 3 * E2_STANDARD_4
        + 3 * 50 * 0.10
        + HOURS * 3 * 0.0014
        + HOURS * 0.005
        + HOURS * 0.035
        + 10 * 0.17
        + 10 * 0.17,
    ),
    "prod": (
        # cluster, 3 + 3 nodes, NAT gateway, address, private endpoint, 2 DNS zones, database and standby, their disks
        HOURS * 0.10
        + HOURS * 3 * 0.12
        + HOURS * 3 * 0.24
        + HOURS * 0.045
        + HOURS * 0.005
        + HOURS * 0.01
        + 2 * 0.50
        + HOURS * 2 * 2 * 0.0935
        + 2 * 128 * 0.1369,
        # the same with 6 + 12 nodes
        HOURS * 0.10
        + HOURS * 6 * 0.12
        + HOURS * 12 * 0.24
        + HOURS * 0.045
        + HOURS * 0.005
        + HOURS * 0.01
        + 2 * 0.50
        + HOURS * 2 * 2 * 0.0935
        + 2 * 128 * 0.1369,
    ),
    "azure-celery": (
        # 1 node, load balancer, address, DNS zone, database, its disk, broker disk
        HOURS * 1 * 0.24 + HOURS * 0.025 + HOURS * 0.005 + 0.50 + HOURS * 0.0398 + 32 * 0.1369 + 0.78,
        # the same with 3 nodes
        HOURS * 3 * 0.24 + HOURS * 0.025 + HOURS * 0.005 + 0.50 + HOURS * 0.0398 + 32 * 0.1369 + 0.78,
    ),
    "azure-celery-kubernetes": (
        # cluster, 1 node, no node for tasks, load balancer, 2 addresses, DNS zone, database and standby, their disks,
        # broker disk, registry
        HOURS * 0.10
        + HOURS * 1 * 0.24
        + HOURS * 0.025
        + HOURS * 2 * 0.005
        + 0.50
        + HOURS * 2 * 2 * 0.0935
        + 2 * 64 * 0.1369
        + 1.17
        + DAYS * 0.1666,
        # the same with 3 nodes, and 5 spot nodes for tasks at the price of standard ones
        HOURS * 0.10
        + HOURS * 3 * 0.24
        + HOURS * 5 * 0.24
        + HOURS * 0.025
        + HOURS * 2 * 0.005
        + 0.50
        + HOURS * 2 * 2 * 0.0935
        + 2 * 64 * 0.1369
        + 1.17
        + DAYS * 0.1666,
    ),
    "gcp-celery-kubernetes": (
        # cluster, 1 node, its disk, NAT gateway and address, database, its disk, load balancer, broker disk;
        # the list has no price of the file share
        HOURS * 0.10
        + HOURS * 1 * E2_STANDARD_4
        + 1 * 50 * 0.10
        + HOURS * 1 * 0.0014
        + HOURS * 0.005
        + HOURS * DB_CUSTOM_2_7680
        + 20 * 0.17
        + HOURS * 0.025
        + 10 * 0.17,
        # the same with 3 nodes, and 3 spot nodes for tasks
        HOURS * 0.10
        + HOURS * 3 * E2_STANDARD_4
        + 3 * 50 * 0.10
        + HOURS * 3 * E2_STANDARD_4_SPOT
        + 3 * 50 * 0.10
        + HOURS * 6 * 0.0014
        + HOURS * 0.005
        + HOURS * DB_CUSTOM_2_7680
        + 20 * 0.17
        + HOURS * 0.025
        + 10 * 0.17,
    ),
    "gcp-kubernetes": (
        # cluster, 1 node in each of 3 zones, their disks, NAT gateway and address, database and standby, their disks,
        # load balancer
        HOURS * 0.10
        + HOURS * 3 * E2_STANDARD_4
        + 3 * 50 * 0.10
        + HOURS * 3 * 0.0014
        + HOURS * 0.005
        + HOURS * 2 * DB_CUSTOM_2_7680
        + 2 * 20 * 0.17
        + HOURS * 0.025,
        # the same with 9 nodes, and 30 nodes for tasks; a NAT gateway costs the same from 32 nodes on
        HOURS * 0.10
        + HOURS * 9 * E2_STANDARD_4
        + 9 * 50 * 0.10
        + HOURS * 30 * E2_STANDARD_4
        + 30 * 50 * 0.10
        + HOURS * 32 * 0.0014
        + HOURS * 0.005
        + HOURS * 2 * DB_CUSTOM_2_7680
        + 2 * 20 * 0.17
        + HOURS * 0.025,
    ),
}
UNPRICED: Final = {"gcp-celery-kubernetes": ("file share for dags",)}
"""Resources of shipped stacks without a list price: no public source of Filestore's price in europe-west1 was found."""


def test_every_shipped_stack_has_a_calculation() -> None:
    assert SUMS.keys() == SHIPPED.keys()


@pytest.mark.parametrize("stack", SUMS)
def test_the_sum_is_the_calculated_one(stack: str) -> None:
    price = price_of(settings(SHIPPED[stack]))
    assert (price.monthly_min, price.monthly_max) == pytest.approx(SUMS[stack], abs=0.005)


@pytest.mark.parametrize("stack", SHIPPED)
def test_every_resource_of_a_shipped_stack_has_a_price_except_the_listed_ones(stack: str) -> None:
    unknown = price_of(settings(SHIPPED[stack])).unknown
    assert tuple(text.partition(" (")[0] for text in unknown) == UNPRICED.get(stack, ())
