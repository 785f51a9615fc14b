"""Deleting objects, and waiting until they are gone."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from typing import Final

from lab.engine.kubernetes_provider.awaits.awaiter import NotReadyError
from lab.engine.kubernetes_provider.client import ApiError, Cluster, Object, UnknownKindError
from lab.engine.kubernetes_provider.feeds import Event, Feeds
from lab.engine.kubernetes_provider.names import DELETION_PROPAGATION, SKIP_AWAIT
from lab.engine.kubernetes_provider.objects import annotated_true, annotation, namespace_of

DEFAULT_SECONDS: Final = 600.0
_LOOK_SECONDS: Final = 5.0
"""A watch may miss a deletion while it starts anew, so we ask as well."""
_POLICIES: Final = {"orphan": "Orphan", "background": "Background"}

# Kinds that skipAwait lets go without waiting; for others the annotation is about readiness only.
_MAY_SKIP: Final = frozenset(
    {"DaemonSet", "Deployment", "Job", "Namespace", "Pod", "ReplicationController", "StatefulSet"}
)


def delete(
    cluster: Cluster,
    feeds: Feeds,
    live: Object,
    inputs: Object,
    name: str,
    *,
    seconds: float | None,
    status: Callable[[str], None],
    warn: Callable[[str], None],
    cancelled: threading.Event,
) -> None:
    """Delete an object with everything that depends on it; one that is gone already, or whose kind is, is fine.

    Raises:
        ApiError: refused.
        NotReadyError: it is still there when time is up, or the run was cancelled.
    """
    try:
        resource = cluster.resource(live["apiVersion"], live["kind"])
    except UnknownKindError:
        return
    namespace = namespace_of(live)
    policy = _POLICIES.get(annotation(inputs, DELETION_PROPAGATION).lower(), "Foreground")
    options = {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": policy}
    try:
        answer = cluster.call("DELETE", resource.path(namespace, name), body=options)
    except ApiError as error:
        if error.not_found:
            return
        raise
    if annotated_true(inputs, SKIP_AWAIT) and live["kind"] in _MAY_SKIP:
        return
    uid = (answer.get("metadata") or {}).get("uid") or (answer.get("details") or {}).get("uid")
    deadline = time.monotonic() + (seconds or DEFAULT_SECONDS)
    last = live
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    with feeds.reading(events, namespace, resource):
        look_at = 0.0
        while True:
            now = time.monotonic()
            if now >= look_at:
                look_at = now + _LOOK_SECONDS
                try:
                    last = cluster.get(resource, namespace, name)
                except ApiError as error:
                    if error.not_found:
                        return
                    raise
                if uid and last["metadata"]["uid"] != uid:
                    return
                status(_left(last))
            if now >= deadline or cancelled.is_set():
                finalizers = last["metadata"].get("finalizers") or []
                if finalizers:
                    warn(f"finalizers might be preventing deletion ({', '.join(finalizers)})")
                how = "timed out waiting to be deleted" if now >= deadline else "was cancelled while being deleted"
                raise NotReadyError(f"'{name}' {how}", last, [_left(last)])
            try:
                event = events.get(timeout=0.5)
            except queue.Empty:
                continue
            if event.gone and event.obj["metadata"]["name"] == name:
                look_at = 0.0


def _left(obj: Object) -> str:
    conditions = (obj.get("status") or {}).get("conditions") or []
    # A namespace says what is left in it.
    said = [entry["message"] for entry in conditions if entry.get("status") == "True" and "Remain" in entry["type"]]
    return "; ".join(said) or "Waiting for the deletion to finish"
