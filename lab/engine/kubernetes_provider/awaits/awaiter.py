"""What every awaiter has, and the loop that waits for one."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import ClassVar, Final

from lab.engine.kubernetes_provider.client import ApiError, Cluster, Object, Resource
from lab.engine.kubernetes_provider.feeds import Event, Feeds
from lab.engine.kubernetes_provider.objects import name_of, namespace_of, pluck

DEFAULT_SECONDS: Final = 600.0
REPORT_SECONDS: Final = 10.0
"""How often what is wrong is shown while waiting."""
_POLL_SECONDS: Final = 0.5

Show = Callable[[str, bool], None]
"""Shows a status to the person at the terminal; the second argument says whether it is a warning."""


class NotReadyError(Exception):
    """The object is there and not as it should be.

    The message says how the waiting ended; `reasons` say what is wrong, `obj` is the last that was seen of the object.
    """

    def __init__(self, message: str, obj: Object, reasons: Sequence[str]) -> None:
        super().__init__(message)
        self.obj = obj
        self.reasons = list(dict.fromkeys(reasons))


class Awaiter:
    """Follows one object, and those that belong to it, until it is ready.

    A subclass overrides `see` (and `related` when it watches more than the object) and answers `ready` and `reasons`.
    """

    related: ClassVar[Sequence[Resource]] = ()
    """Kinds in the same namespace that are watched as well."""
    own_limit_seconds: ClassVar[float | None] = None
    """A limit that no timeout setting moves."""

    def __init__(self, target: Object, before: Object | None, show: Show) -> None:
        self.target = target
        """The object as our write left it."""
        self.before = before
        """The live object before an update."""
        self.show = show
        self.live = target
        self.wake_at: float | None = None
        """When, on the monotonic clock, `ready` should be asked although nothing happened."""

    def see(self, event: Event) -> None:
        """Take in one event of the object or of a related kind."""
        if self.is_target(event):
            self.live = event.obj

    def ready(self) -> bool:
        """Whether the object is ready now."""
        raise NotImplementedError

    def failed(self) -> bool:
        """Whether it never will be, so that waiting is pointless."""
        return False

    def late(self) -> bool:
        """Whether, when time is up, what is there counts as ready."""
        return self.ready()

    def reasons(self) -> list[str]:
        """What is wrong."""
        return []

    def troubles(self) -> list[str]:
        """What is shown as a warning from time to time while waiting."""
        return []

    def is_target(self, event: Event) -> bool:
        """Whether an event is about the object itself, in a state not older than our write."""
        metadata = event.obj["metadata"]
        return (
            event.resource.kind == self.target["kind"]
            and metadata["uid"] == self.target["metadata"]["uid"]
            and metadata.get("generation", 0) >= self.target["metadata"].get("generation", 0)
        )

    def status(self, message: str) -> None:
        """Show how far it is."""
        self.show(message, False)


def owned_by(obj: Object, owner: Object | None) -> bool:
    """Whether the owner made the object."""
    if owner is None:
        return False
    uid = owner["metadata"]["uid"]
    return any(reference["uid"] == uid for reference in obj["metadata"].get("ownerReferences", []))


def wait(awaiter: Awaiter, cluster: Cluster, feeds: Feeds, *, seconds: float, cancelled: threading.Event) -> Object:
    """Wait until the object is ready; the last that was seen of it.

    Raises:
        NotReadyError: time is up, the run was cancelled, or the object failed.
    """
    deadline = time.monotonic() + (awaiter.own_limit_seconds or seconds)
    report_at = time.monotonic() + REPORT_SECONDS
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    target = awaiter.target
    own = cluster.resource(target["apiVersion"], target["kind"])
    name = name_of(target)
    with feeds.reading(events, namespace_of(target), own, *awaiter.related):
        while not awaiter.ready():
            if awaiter.failed():
                raise NotReadyError(
                    f"Resource '{name}' was created but failed to initialize", awaiter.live, awaiter.reasons()
                )
            now = time.monotonic()
            if now >= deadline or cancelled.is_set():
                if awaiter.late():
                    break
                how = "timed out waiting to be Ready" if now >= deadline else "was cancelled while waiting to be Ready"
                raise NotReadyError(f"'{name}' {how}", awaiter.live, awaiter.reasons())
            if now >= report_at:
                report_at = now + REPORT_SECONDS
                for trouble in awaiter.troubles():
                    awaiter.show(trouble, True)
            until = min(deadline, awaiter.wake_at or deadline, now + _POLL_SECONDS)
            try:
                awaiter.see(events.get(timeout=max(0.01, until - now)))
                while True:
                    awaiter.see(events.get_nowait())
            except queue.Empty:
                continue
    return awaiter.live


def look(awaiter: Awaiter, cluster: Cluster) -> None:
    """See once whether the object is ready.

    Raises:
        NotReadyError: it is not.
    """
    target = awaiter.target
    own = cluster.resource(target["apiVersion"], target["kind"])
    awaiter.see(Event(own, False, target))
    for resource in awaiter.related:
        try:
            items, _ = cluster.list(resource, namespace_of(target))
        except ApiError:
            continue  # no right to look is no reason to call the object broken
        for item in items:
            awaiter.see(Event(resource, False, item))
    # What is there now has settled: nobody waits for it.
    awaiter.wake_at = 0.0
    if not awaiter.late():
        message = f"Resource '{name_of(target)}' was created but failed to initialize"
        raise NotReadyError(message, target, awaiter.reasons())


def condition(obj: Object, kind: str) -> Object:
    """One of the object's status conditions, or {}."""
    for entry in pluck(obj, "status", "conditions") or []:
        if entry.get("type") == kind:
            return entry
    return {}
