"""A stack's preflight as a warning before its first `up`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import Final

import pulumi

from components.cloud.preflight.findings import Finding, problems

SWITCH: Final = "AIRFLOW_PREFLIGHT"
"""Environment variable: `off` disables the warning."""


def before_first(name: str, ask: Callable[[], Iterable[Finding]]) -> list[pulumi.ResourceHook]:
    """Hooks for the first resources of a cloud layer: before their creation, warn of everything that would fail `up`.

    The checks run once, however many resources have the hook, and never in a preview.
    """
    if os.environ.get(SWITCH) == "off":
        return []
    tasks: list[asyncio.Task[None]] = []

    async def warn(_arguments: pulumi.ResourceHookArgs) -> None:
        if not tasks:
            tasks.append(asyncio.create_task(_warn(ask)))
        await tasks[0]

    # The engine reports an error of the hook as a warning.
    return [pulumi.ResourceHook(name, warn, pulumi.ResourceHookOptions(ignore_errors=True))]


async def _warn(ask: Callable[[], Iterable[Finding]]) -> None:
    failed = problems(await asyncio.to_thread(lambda: [*ask()]))
    if failed:
        lines = "\n".join(f"  {finding}" for finding in failed)
        pulumi.log.warn(f"nothing is created yet; these preflight checks found problems that may fail `up`:\n{lines}")
