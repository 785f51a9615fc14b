"""Findings of preflight checks, printed as one line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one check."""

    verdict: Literal["ok", "missing", "unknown"]
    """`missing`: `up` would fail. `unknown`: the check got no answer."""
    what: str
    remedy: str = ""
    """The action to take; empty for `ok`."""

    def __str__(self) -> str:
        return f"{self.verdict:<8}{self.what}" + (f"; {self.remedy}" if self.remedy else "")


def ok(what: str) -> Finding:
    """A check that passed."""
    return Finding(verdict="ok", what=what)


def missing(what: str, remedy: str) -> Finding:
    """A failed check: `up` would fail."""
    return Finding(verdict="missing", what=what, remedy=remedy)


def unknown(what: str, remedy: str) -> Finding:
    """A check that the cloud did not answer."""
    return Finding(verdict="unknown", what=what, remedy=remedy)


def quota(text: str, free: float, demand: tuple[int, int], remedy: str) -> Finding:
    """Compare the free quota with the demand of the nodes, which is a minimum and a maximum."""
    minimum, maximum = demand
    if free < minimum:
        return missing(f"{text}, the nodes need {minimum} at the start", remedy)
    warning = ": pools stop growing before their nodes_max" if free < maximum else ""
    return ok(f"{text}, the nodes need {minimum} to {maximum}{warning}")


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that are not `ok`."""
    return [finding for finding in findings if finding.verdict != "ok"]
