"""One call to a simulated cloud, from its arrival to its answer and journal entry."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lab.clouds import faults, latency
from lab.clouds.faults import Fault
from lab.clouds.inventory import Inventory, World
from lab.clouds.journal import Call as Entry
from lab.clouds.journal import Journal
from lab.clouds.kind import ApiError, Call

ATTEMPTS: Final = 8
"""Number of attempts while the cloud is busy or not ready."""
BACKOFF_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0)
"""Waits between them, in seconds of a real cloud."""
FAILED: Final = "the operation ended in an error"
LOST: Final = "the connection was closed before an answer came"
INTERRUPTED: Final = "interrupted while the operation went on in the cloud"


class AnswerLostError(Exception):
    """The cloud completed the call, but the answer is lost."""


class HalfDoneError(Exception):
    """The resource exists, but its operation ended with an error."""


@dataclass
class Operation:
    """One call; its steps are called in order, and `done` or `failed` at the end."""

    op: str
    token: str
    call: Call
    inventory: Inventory
    seconds: latency.Table
    cancelled: threading.Event
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Inputs without secrets, for the journal."""
    fault: Fault | None = None
    taken: float = 0.0
    started: float = field(default_factory=time.time)

    def ask(self, step: Callable[[World], None]) -> None:
        """Apply the cloud's rules with exclusive access to the world; retry a limited number of times while it is busy.

        Raises:
            ApiError: the cloud refuses.
        """
        for attempt in range(ATTEMPTS):
            error = self._attempt(step)
            if error is None:
                return
            if not error.retry or attempt == ATTEMPTS - 1:
                raise error
            if not latency.wait(BACKOFF_SECONDS[attempt], self.cancelled):
                raise error

    def _attempt(self, step: Callable[[World], None]) -> ApiError | None:
        error: ApiError | None = None
        with self.inventory.changing() as world:
            fault = faults.due(world, self.op, self.token, self.call.urn.rpartition("::")[2])
            self.fault = fault or self.fault
            self.call.world = world
            stopping = fault is not None and (fault.kind == "hang" or (fault.kind == "crash" and not fault.after))
            if fault is not None and fault.kind in ("busy", "error"):
                error = ApiError(fault.code, fault.message, retry=fault.kind == "busy")
            elif not stopping:
                try:
                    step(world)
                except ApiError as refusal:
                    # Not raised through the block: the counters must be stored.
                    error = refusal
        if fault is not None and fault.kind == "error":
            latency.wait(fault.seconds, self.cancelled)
        if stopping and fault is not None:
            if fault.kind == "crash":
                self._crash()
            self.cancelled.wait()
            return ApiError(499, INTERRUPTED, retry=False)
        return error

    @property
    def leaves_behind(self) -> int:
        """Number of later deletions that the leftovers of this one block."""
        return self.fault.left if self.fault is not None and self.fault.kind == "leftover" else 0

    @property
    def unsettled(self) -> int:
        """Number of lookups that miss the new item."""
        return self.fault.left if self.fault is not None and self.fault.kind == "unsettled" else 0

    def pass_time(self) -> None:
        """Wait for the duration of the operation."""
        self.taken = latency.seconds(self.seconds, self.token, self.op)
        if self.fault is not None and self.fault.kind == "late":
            self.taken += self.fault.seconds
        latency.wait(self.taken, self.cancelled)

    def answer(self) -> None:
        """Answer the call, unless a fault loses the answer.

        Raises:
            AnswerLostError: the caller gets an error instead of the answer.
            HalfDoneError: the caller gets the state and an error.
        """
        match self.fault.kind if self.fault is not None else "":
            case "crash":
                self._crash()
            case "lost":
                raise AnswerLostError(LOST)
            case "partial":
                raise HalfDoneError(self.fault.message if self.fault else FAILED)
            case _:
                if self.cancelled.is_set() and self.op in ("create", "update"):
                    raise HalfDoneError(INTERRUPTED)

    def record(self, outcome: str = "ok") -> None:
        """Write the call to the journal."""
        Journal(self.inventory.folder).write(
            Entry(
                op=self.op,
                type=self.token,
                id=self.call.id,
                urn=self.call.urn,
                started=self.started,
                ended=time.time(),
                outcome=outcome,
                seconds=self.taken,
                inputs=dict(self.given),
            )
        )

    def _crash(self) -> None:
        self.record("the plugin crashed")
        os.kill(os.getpid(), signal.SIGKILL)
