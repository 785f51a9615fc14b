"""Pulumi's SDK without work that no recording contains, which takes most of a run's time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

from pulumi.resource import Alias
from pulumi.runtime import resource
from pulumi.runtime.proto import source_pb2
from pulumi.runtime.settings import SETTINGS

_prepared_aliases: Final = resource.prepare_aliases


class CallerThread(ThreadPoolExecutor):
    """Answers immediately: the simulated engine never waits, and a thread switch costs more than its answer."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 handed on to whoever asks for the result
            future.set_exception(error)
        return future


@contextmanager
def shortened() -> Iterator[None]:
    """Leave out source positions of resources, and former types that SDKs add as aliases."""
    with (
        mock.patch.object(resource, "_get_stack_trace", source_pb2.StackTrace),
        mock.patch.object(resource, "prepare_aliases", _own_aliases),
        # They are only sent to an engine that supports only URNs as aliases.
        mock.patch("pulumi.resource.collapse_alias_to_urn", return_value=None),
    ):
        yield


async def _own_aliases(registered: Any, options: Any, supports_alias_specs: bool) -> list[Any]:
    assert supports_alias_specs
    chosen = options._copy()
    chosen.aliases = [alias for alias in options.aliases or () if not _of_sdk(alias)]
    return await _prepared_aliases(registered, chosen, supports_alias_specs)


def _of_sdk(alias: Any) -> bool:
    return isinstance(alias, Alias) and isinstance(alias.type_, str) and not alias.type_.startswith("airflow:")


async def settled() -> None:
    """Wait for all outputs, or the first failure; the SDK itself would wait for all after each one."""
    while pending := [output for output in SETTINGS.outputs if not output.done()]:
        done, _ = await asyncio.wait(pending, return_when=asyncio.FIRST_EXCEPTION)
        if any(output.cancelled() or output.exception() for output in done):
            return
