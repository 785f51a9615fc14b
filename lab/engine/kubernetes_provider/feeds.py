"""Watches shared by everything that waits for objects of one kind in one namespace."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from lab.engine.kubernetes_provider.client import ApiError, Cluster, Object, Resource, UnreachableError

FIRST_LIST_SECONDS: Final = 30.0
PAUSE_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Event:
    """One object as it is now, or as it was when it went."""

    resource: Resource
    gone: bool
    obj: Object


class Feeds:
    """One watch per kind and namespace, started by its first reader."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._feeds: dict[tuple[Resource, str], _Feed] = {}
        self._lock = threading.Lock()

    @contextmanager
    def reading(self, events: queue.SimpleQueue[Event], namespace: str, *resources: Resource) -> Iterator[None]:
        """Put everything that is there, and from then on every change, into the queue."""
        feeds = []
        with self._lock:
            for resource in resources:
                key = (resource, namespace if resource.namespaced else "")
                if key not in self._feeds:
                    self._feeds[key] = _Feed(self._cluster, *key)
                feeds.append(self._feeds[key])
        for feed in feeds:
            feed.add(events)
        try:
            yield
        finally:
            for feed in feeds:
                feed.remove(events)


class _Feed:
    def __init__(self, cluster: Cluster, resource: Resource, namespace: str) -> None:
        self._cluster = cluster
        self._resource = resource
        self._namespace = namespace
        self._objects: dict[str, Object] = {}
        self._readers: list[queue.SimpleQueue[Event]] = []
        self._lock = threading.Lock()
        self._listed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"watch {resource.plural} {namespace}")
        self._thread.start()

    def add(self, events: queue.SimpleQueue[Event]) -> None:
        """Let a reader see the present and the future; without a first list in time, the future alone."""
        self._listed.wait(FIRST_LIST_SECONDS)
        with self._lock:
            for obj in self._objects.values():
                events.put(Event(self._resource, False, obj))
            self._readers.append(events)

    def remove(self, events: queue.SimpleQueue[Event]) -> None:
        """Tell a reader nothing more; the watch goes on for those to come."""
        with self._lock:
            self._readers = [reader for reader in self._readers if reader is not events]

    def _run(self) -> None:
        pause = threading.Event()
        version = ""
        while True:
            try:
                if not version:
                    version = self._relist()
                for kind, obj in self._cluster.watch(self._resource, self._namespace, version):
                    version = obj["metadata"]["resourceVersion"]
                    if kind != "BOOKMARK":
                        self._publish(obj, gone=kind == "DELETED")
            except (ApiError, UnreachableError):
                # Too old a version to go on from, a right that is missing, a server that is gone: begin anew.
                # Whoever waits has a deadline of his own.
                version = ""
                pause.wait(PAUSE_SECONDS)

    def _relist(self) -> str:
        items, version = self._cluster.list(self._resource, self._namespace)
        present = {item["metadata"]["uid"]: item for item in items}
        for uid, obj in list(self._objects.items()):
            if uid not in present:
                self._publish(obj, gone=True)
        for uid, obj in present.items():
            if (
                self._objects.get(uid, {}).get("metadata", {}).get("resourceVersion")
                != obj["metadata"]["resourceVersion"]
            ):
                self._publish(obj, gone=False)
        self._listed.set()
        return version

    def _publish(self, obj: Object, *, gone: bool) -> None:
        with self._lock:
            if gone:
                self._objects.pop(obj["metadata"]["uid"], None)
            else:
                self._objects[obj["metadata"]["uid"]] = obj
            for reader in self._readers:
                reader.put(Event(self._resource, gone, obj))
