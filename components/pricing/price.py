"""The price of a stack: one line for each resource, and everything that is not in the sum."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

HOURS_A_MONTH: Final = 730
"""Hours in an average month (365 x 24 / 12), which the price calculators of both clouds use too."""


class PriceError(Exception):
    """A price cannot be computed. The message gives the reason and the remedy."""


@dataclass(frozen=True, kw_only=True)
class PricedLine:
    """The price of one resource at the minimum and at the maximum of node autoscaling."""

    resource: str
    detail: str
    """Size, tier or count, in words."""
    quantity_min: float
    quantity_max: float
    unit: str
    """Unit of the quantity and of the unit price, such as `node-hour`; prices by the hour count 730 of them."""
    unit_price: float
    """In USD."""
    units_a_month: float
    """730 for a price by the hour, 1 for a price by the month."""

    @property
    def monthly_min(self) -> float:
        """USD a month at the minimum of autoscaling."""
        return self.quantity_min * self.unit_price * self.units_a_month

    @property
    def monthly_max(self) -> float:
        """USD a month at the maximum of autoscaling."""
        return self.quantity_max * self.unit_price * self.units_a_month


@dataclass(frozen=True, kw_only=True)
class Price:
    """The list price of a stack in one month."""

    lines: tuple[PricedLine, ...]
    not_priced: tuple[str, ...]
    """Costs that depend on use, with their unit price where the list has one."""
    unknown: tuple[str, ...] = ()
    """Resources of the stack that the list has no price for: the sum is too low by their price."""
    currency: str = "USD"
    as_of: date | None = None
    """Day of the oldest list price in the sum; None if no line has a price."""
    region: str = ""
    """The cloud's region; empty for an existing cluster."""

    @property
    def monthly_min(self) -> float:
        """USD a month of all lines at the minimum of autoscaling."""
        return sum(line.monthly_min for line in self.lines)

    @property
    def monthly_max(self) -> float:
        """USD a month of all lines at the maximum of autoscaling."""
        return sum(line.monthly_max for line in self.lines)

    def summary(self, *, hint: str = "") -> str:
        """The sum in words; it says so if the price of a resource is unknown, and if nothing has a price.

        Args:
            hint: words at the end of the parentheses.
        """
        if self.as_of is None:
            return "no list price: the cluster exists already, and its price is not known here"
        low, high = (f"${round(value):,}" for value in (self.monthly_min, self.monthly_max))
        span = low if low == high else f"{low} to {high}"
        least = "more than " if self.unknown else ""
        return f"{least}{span} a month (list prices of {self.as_of:%Y-%m}, {self.region}{hint})"
