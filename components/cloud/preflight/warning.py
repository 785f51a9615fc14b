"""A stack's preflight as a warning before its first `up`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import Final

import pulumi

from components.cloud.preflight.findings import Finding, problems

SWITCH: Final = "AIRFLOW_PREFLIGHT"
"""Variable: `off` leaves the warning out."""


def before_first(name: str, ask: Callable[[], Iterable[Finding]]) -> list[pulumi.ResourceHook]:
    """For the first resources of a cloud layer: before any is created, warns of whatever would fail `up` later.

    The cloud is asked once, however many resources have the hook, and never in a preview.
    """
    if os.environ.get(SWITCH) == "off":
        return []
    asked: list[asyncio.Task[None]] = []

    async def warn(_arguments: pulumi.ResourceHookArgs) -> None:
        if not asked:
            asked.append(asyncio.create_task(_warn(ask)))
        await asked[0]

    # Whatever goes wrong in it is a warning of the engine.
    return [pulumi.ResourceHook(name, warn, pulumi.ResourceHookOptions(ignore_errors=True))]


async def _warn(ask: Callable[[], Iterable[Finding]]) -> None:
    found = problems(await asyncio.to_thread(lambda: [*ask()]))
    if found:
        lines = "\n".join(f"  {finding}" for finding in found)
        pulumi.log.warn(f"before anything is created, the cloud says what `up` may fail of:\n{lines}")
