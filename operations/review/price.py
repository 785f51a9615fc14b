"""The change of the monthly list price between the base revision and this one, from the stack's file in both."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Final

from components.pricing.estimate import price_of
from components.pricing.price import Price, PricedLine
from components.settings import parser
from components.settings.errors import SettingsError
from components.settings.secret_keys import SECRETS
from components.settings.stack import Settings
from operations import stack_file, stacks
from operations.errors import OperationError
from operations.review.words import code

SIZE_MAX: Final = 1_000_000
"""Bytes of a stack file. Files of pull requests are read by jobs with more rights than their authors."""


def file_name(stack: str) -> str:
    """The name of a stack's file."""
    return f"Pulumi.{stack.rsplit('/', 1)[-1]}.yaml"


def settings_of(text: str, name: str) -> Settings:
    """The settings in a stack file, without its secrets: nobody needs to be logged in to read them.

    Errors that leave the models intact, such as an example value, do not hinder a price. The preview reports them.

    Raises:
        OperationError: the text is no stack file.
        SettingsError: a value does not fit its model.
    """
    if len(text) > SIZE_MAX:
        raise OperationError(f"{name} has more than {SIZE_MAX:,} characters; it cannot be a stack file.")
    values = {key: value for key, value in stack_file.values(text, name).items() if key not in SECRETS}
    settings, errors = parser.examine(stack_file.converted(values))
    if settings is None:
        raise SettingsError(errors)
    return settings


def text_at(base: str, stack: str) -> str | None:
    """The stack's file at a revision; None if it did not exist there.

    Raises:
        OperationError: the revision is not in this checkout, or git cannot be run.
    """
    folder, name = stacks.project_folder(), file_name(stack)
    if _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}") is None:
        raise OperationError(
            f"--base: the revision {base!r} is not in this checkout; fetch it, in a workflow with "
            "`fetch-depth: 2` of actions/checkout."
        )
    return _git(folder, "show", "--end-of-options", f"{base}:./{name}")


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        raise OperationError("There is no `git` on the PATH; install it, or leave out --base.") from None
    return done.stdout if done.returncode == 0 else None


def blocks(before: Settings | None, after: Settings, *, compared: bool) -> list[str]:
    """The price and its change as Markdown.

    Args:
        before: the settings at the base revision; None if there is none, or if the stack is new.
        after: the settings of this revision.
        compared: whether there is a base revision.

    Raises:
        PriceError: the price list lacks the region.
        OperationError: the price list lacks a resource of the stack, so that the sum would be too low.
    """
    new = price_of(after)
    if new.unknown:
        raise OperationError(
            f"The price list has no price of {'; '.join(new.unknown)}. Add it: "
            "`python -m operations price-refresh`; or leave the price out: `--no-price`."
        )
    found = ["#### Price"]
    if not new.lines:
        return [*found, "The cluster exists already; the stack has no price of its own."]
    source = f" (list prices of {new.as_of:%Y-%m}, {code(new.region)}; at the minimum and the maximum of autoscaling)"
    if before is None:
        return [
            *found,
            f"{'New stack: ' if compared else ''}{_span(new.monthly_min, new.monthly_max)} a month{source}.",
        ]
    old = price_of(before)
    change = (new.monthly_min - old.monthly_min, new.monthly_max - old.monthly_max)
    if _same(old, new):
        return [*found, f"No change: {_span(new.monthly_min, new.monthly_max)} a month{source}."]
    total = f"{_span(old.monthly_min, old.monthly_max)} → {_span(new.monthly_min, new.monthly_max)} a month"
    incomplete = " The price before lacks resources without a list price." if old.unknown else ""
    return [*found, f"{total}: **{_signed(*change)}**{source}.{incomplete}", *_lines(old, new)]


def _same(old: Price, new: Price) -> bool:
    return _by_resource(old) == _by_resource(new)


def _by_resource(price: Price) -> dict[str, tuple[float, float]]:
    """Monthly minimum and maximum by the words for a resource, in cents."""
    return {_words(line): (round(line.monthly_min, 2), round(line.monthly_max, 2)) for line in price.lines}


def _words(line: PricedLine) -> str:
    return f"{line.resource} {line.detail}".strip()


def _lines(old: Price, new: Price) -> list[str]:
    before, after = _by_resource(old), _by_resource(new)
    found: list[str] = []
    for name in dict.fromkeys([*after, *before]):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        values = f"{_span(*one) if one else 'none'} → {_span(*other) if other else 'none'}"
        found.append(f"- {code(name)}: {values}")
    return found


def _span(low: float, high: float) -> str:
    one, other = f"${round(low):,}", f"${round(high):,}"
    return one if one == other else f"{one} to {other}"


def _signed(low: float, high: float) -> str:
    texts = [f"{'-' if round(value) < 0 else '+'}${abs(round(value)):,}" for value in (low, high)]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"
