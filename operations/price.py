"""The command `price`: the monthly list price of a stack as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from components.pricing.estimate import price_of
from components.pricing.price import HOURS_A_MONTH, Price, PricedLine, PriceError
from components.settings import stack_config
from components.settings.stack import Settings
from operations import stack_file, stacks
from operations.errors import OperationError

HEAD: Final = ("resource", "size", "minimum", "maximum", "unit price", "month, minimum", "month, maximum")
TEXT_COLUMNS: Final = 2
"""Columns that are aligned to the left."""


def run(*, stack: str | None, file: Path | None) -> int:
    """Print the price of a stack or of a stack file, and return the exit code: 1 if a resource has no list price.

    Raises:
        OperationError: the price list has no prices of the stack's region, or the stack cannot be read.
        SettingsError: the settings are invalid.
    """
    settings = stack_file.settings(file) if file is not None else _of_stack(stack or "")
    try:
        price = price_of(settings)
    except PriceError as error:
        raise OperationError(str(error)) from None
    print("\n".join(report(price)))
    return 1 if price.unknown else 0


def _of_stack(stack: str) -> Settings:
    """The settings of a stack. A price needs no login program and no account."""
    texts = {key: value.value for key, value in stacks.config(stack).items()}
    return stack_file.without_machine(stack_config.values(texts))


def report(price: Price) -> Iterator[str]:
    """The lines of the report: the table, its sum, and everything that is not in it."""
    yield from _table([_cells(line) for line in price.lines], _sum(price))
    yield ""
    yield f"{price.summary()[0].upper()}{price.summary()[1:]}."
    if price.lines:
        yield (
            f"Minimum and maximum are those of node autoscaling. A month has {HOURS_A_MONTH} hours. Sources and dates: "
            "components/pricing/prices/."
        )
    if price.unknown:
        yield ""
        yield "Without a price in the list, and missing in the sum:"
        yield from (f"  {text}" for text in price.unknown)
        yield f"Add the prices: python -m operations price-refresh --region {price.region} --cloud gcp or azure"
    yield ""
    yield "Not priced:"
    yield from (f"  {text}" for text in price.not_priced)


def _cells(line: PricedLine) -> tuple[str, ...]:
    return (
        line.resource,
        line.detail,
        f"{line.quantity_min:,g}",
        f"{line.quantity_max:,g}",
        f"${line.unit_price:.4f} per {line.unit}",
        f"${line.monthly_min:,.2f}",
        f"${line.monthly_max:,.2f}",
    )


def _sum(price: Price) -> tuple[str, ...]:
    return ("sum", "", "", "", "", f"${price.monthly_min:,.2f}", f"${price.monthly_max:,.2f}")


def _table(rows: Sequence[tuple[str, ...]], last: tuple[str, ...]) -> Iterator[str]:
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(HEAD, *rows, last, strict=True)]
    rule = "  ".join("-" * width for width in widths)
    for cells in (HEAD, None, *rows, None, last):
        if cells is None:
            yield rule
            continue
        aligned = (
            cell.ljust(width) if index < TEXT_COLUMNS else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        yield "  ".join(aligned).rstrip()
