"""Error hooks that repeat a call while a change in the cloud is not effective yet.

A cloud reports that an operation is complete (an API enabled, a role granted, a subnet free), but refuses other calls
for some minutes as if it were not. `retry_hook` returns a hook for the first resources that depend on such a change:
the engine calls it after each failed call, and repeats the call if it returns True.

How the engine uses error hooks, read in pulumi/pkg v3.259.0 and v3.274.1 (resource/deploy/step.go, retries.go,
deployment.go; engine/destroy.go):

- It calls them after a failed create, update and delete of a resource that names the hook, not after a failed read
  (refresh) or invoke. A component does not pass its hooks to its children.
- It makes one call at most 100 times. Each time it calls all hooks of the resource, one after the other.
- The hooks of a delete are those in the resource's state. Plain `pulumi destroy` does not run the program, so no hook
  is registered: the delete fails at its first refusal, with the provider's message. Deletes in `pulumi up`
  (replacements, resources that the settings no longer require) and in `pulumi destroy --run-program` have their hooks.
  A delete in plain `destroy` must therefore succeed by its order: delete, and await, the user of a resource before the
  resource it uses (depends_on, or an Output of it as input), or delete it together with another one (deleted_with). A
  hook on a delete is an addition to that, never the solution.
- Up to v3.259.0 a create with a "partial failure" (the resource exists) is repeated as another create; v3.274.1 repeats
  it as an update. Patterns must match only refusals of calls that created nothing.
- The hook's name is stored in state with the resource. A new name is not a change of the resource.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi

DELAY_SECONDS: Final = 1.0
"""Pause before the first repetition; each further pause is twice as long."""
DELAY_MAX_SECONDS: Final = 30.0
BOUND_MAX_SECONDS: Final = 2700
"""Maximum wait: a longer one could need more than the engine's 100 calls."""


@dataclass(frozen=True, kw_only=True)
class Late:
    """A change that becomes effective late in the cloud, and the refusals of calls until then."""

    what: str
    """Continues "waiting for …"."""
    patterns: Sequence[str]
    """Regular expressions, searched in the provider's message; they must only match when nothing was created."""
    bound_seconds: float
    """Calls are repeated for this time after the first refusal."""

    def __post_init__(self) -> None:
        if not 0 < self.bound_seconds <= BOUND_MAX_SECONDS:
            raise ValueError(f"{self.what}: a bound of {self.bound_seconds} s is not in 0 to {BOUND_MAX_SECONDS} s")

    def refused(self, message: str) -> bool:
        """Whether a provider's message is one of these refusals."""
        return any(re.search(pattern, message) for pattern in self.patterns)


def retry_hook(
    name: str,
    *latenesses: Late,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> pulumi.ErrorHook:
    """An error hook that repeats refused calls until they succeed or the time limit is reached.

    Any number of resources can share it; the limit is counted for each resource. For each lateness it logs once what
    it waits for and how long at most, and once if the limit was reached.

    Args:
        name: unique among the hooks of the program.
        latenesses: changes that can be late; the first whose pattern matches the message applies.
        now: a clock in seconds.
        sleep: waits for a number of seconds.
    """
    return pulumi.ErrorHook(name, Waiting(latenesses, now=now, sleep=sleep))


class Waiting:
    """The callback of `retry_hook`."""

    def __init__(
        self, latenesses: Sequence[Late], *, now: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._latenesses, self._now, self._sleep = latenesses, now, sleep
        self._first: dict[tuple[str, str, str], float] = {}
        """Time of the first refusal, by URN, operation and lateness."""
        self._told: set[str] = set()

    async def __call__(self, failed: pulumi.ErrorHookArgs) -> bool:
        """Whether to repeat the call; returns after the pause."""
        # Newest first; the engine adds one message each time.
        late = next((late for late in self._latenesses if late.refused(failed.errors[0])), None)
        if late is None:
            return False
        refusals = sum(map(late.refused, failed.errors))
        key = (failed.urn, failed.failed_operation, late.what)
        if refusals == 1:
            self._first[key] = self._now()
        left = self._first[key] + late.bound_seconds - self._now()
        if left <= 0:
            self._tell(
                pulumi.log.warn,
                f"{failed.name}: gave up waiting for {late.what} after {_duration(late.bound_seconds)}; run the same "
                "command again later",
            )
            return False
        self._tell(pulumi.log.info, f"Waiting for {late.what}, at most {_duration(late.bound_seconds)}")
        await self._sleep(min(left, DELAY_MAX_SECONDS, DELAY_SECONDS * 2.0 ** min(refusals - 1, 10)))
        return True

    def _tell(self, log: Callable[[str], None], message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            log(message)


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds > 60 else f"{seconds:g} seconds"
