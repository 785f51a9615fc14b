"""Findings of a preflight, one line each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One answer of the cloud."""

    verdict: Literal["ok", "missing", "unknown"]
    """`missing` would fail `up`; `unknown` could not be asked."""
    what: str
    remedy: str = ""
    """What to do about it; empty for `ok`."""

    def __str__(self) -> str:
        return f"{self.verdict:<8}{self.what}" + (f"; {self.remedy}" if self.remedy else "")


def ok(what: str) -> Finding:
    """A finding with which `up` goes through."""
    return Finding(verdict="ok", what=what)


def missing(what: str, remedy: str) -> Finding:
    """A finding that would fail `up`."""
    return Finding(verdict="missing", what=what, remedy=remedy)


def unknown(what: str, remedy: str) -> Finding:
    """Something that the cloud did not answer."""
    return Finding(verdict="unknown", what=what, remedy=remedy)


def quota(told: str, free: float, takes: tuple[int, int], remedy: str) -> Finding:
    """Whether what is free of a quota is enough for the nodes at the start, and for all that they may become."""
    least, most = takes
    if free < least:
        return missing(f"{told}, the nodes take {least} at the start", remedy)
    short = ": pools stop growing before their nodes_max" if free < most else ""
    return ok(f"{told}, the nodes take {least} to {most}{short}")


def problems(findings: Iterable[Finding]) -> list[Finding]:
    """Everything that is not in order."""
    return [finding for finding in findings if finding.verdict != "ok"]
