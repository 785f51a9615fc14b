"""Error hooks that wait for what a cloud finishes later than it says.

A cloud answers that something is done (an API enabled, a role granted, a subnet free) and for some minutes other calls
are refused as if it were not. `retry_hook` makes a hook for the first users of such a thing: the engine asks it after
each failed call, and repeats the call when the answer is True.

What the engine does with error hooks, read in pulumi/pkg v3.259.0 and v3.274.1 (resource/deploy/step.go, retries.go,
deployment.go; engine/destroy.go):

- It asks after a failed create, update and delete of a resource that names the hook, not after a failed read (refresh)
  or invoke. A component does not pass its hooks on to its children.
- One call is made at most 100 times. All hooks of a resource are asked, one after the other, each time.
- The hooks of a delete are those that the resource had in state. Plain `pulumi destroy` does not run the program, so no
  hook is registered: the delete fails at its first refusal, with the provider's message. Deletes in `pulumi up`
  (replacements, resources that the settings no longer ask for) and in `pulumi destroy --run-program` have their hooks.
  A delete that plain `destroy` reaches must therefore succeed by its order: let the resource that occupies something
  be deleted, and awaited, before what it occupies (depends_on, or an Output of it as input), or let it go together
  with another one (deleted_with). A hook on a delete is an addition to that, never the solution.
- Up to v3.259.0 a create that failed half-way ("partial failure": the resource exists) is repeated as another create;
  v3.274.1 repeats it as an update. Patterns must match refusals of calls that made nothing.
- A hook's name is kept in state with the resource. Another name is no change of the resource.
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
"""Pause before the first repetition; each further one is twice as long."""
DELAY_MAX_SECONDS: Final = 30.0
BOUND_MAX_SECONDS: Final = 2700
"""A longer wait could need more than the 100 calls that the engine makes."""


@dataclass(frozen=True, kw_only=True)
class Late:
    """Something that a cloud finishes later than it says, and how a call is refused until then."""

    what: str
    """Continues "waiting for …"."""
    patterns: Sequence[str]
    """Regular expressions, searched in the provider's message; they must only match when nothing was made."""
    bound_seconds: float
    """How long calls are repeated, counted from the first refusal."""

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
    """An error hook that has refused calls repeated until they are accepted or a bound is reached.

    It may serve any number of resources, each with its own bound. The log says once for each lateness what is waited
    for and how long at most, and once where the bound was reached.

    Args:
        name: unique among the hooks of the program.
        latenesses: what may be late; the first that a message matches counts.
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
        """When a call was first refused: by URN, operation and lateness."""
        self._told: set[str] = set()

    async def __call__(self, failed: pulumi.ErrorHookArgs) -> bool:
        """Whether the call is to be repeated, once it is time to."""
        # Newest first; the engine has one more message each time.
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
