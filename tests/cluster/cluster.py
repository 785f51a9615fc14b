"""Queries of the cluster on the lab's node, with kubectl."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from lab.errors import LabError
from lab.testing.target import kubectl

POLL_SECONDS: Final = 0.5
COMPONENT: Final = "app.kubernetes.io/component"

Object = dict[str, Any]


def objects(kind: str, namespace: str | None = None, selector: str = "") -> list[Object]:
    """All objects of a kind (or of several, separated by commas) in a namespace, or in all namespaces."""
    where = ["--all-namespaces"] if namespace is None else ["--namespace", namespace]
    found = json.loads(kubectl("get", kind, *where, "--selector", selector, "--output", "json"))
    return list(found["items"])


def execute(namespace: str, pod: str, *command: str, check: bool = True) -> str:
    """Output of a command in a pod's first container."""
    return kubectl("exec", "--namespace", namespace, pod, "--", *command, check=check)


def services(namespace: str) -> dict[str, set[str]]:
    """The uids of long-running pods by component: not of Jobs or tasks, and not of terminating pods."""
    found: dict[str, set[str]] = defaultdict(set)
    for pod in objects("pods", namespace):
        metadata = pod["metadata"]
        owners = {owner["kind"] for owner in metadata.get("ownerReferences", [])}
        if owners & {"ReplicaSet", "StatefulSet"} and "deletionTimestamp" not in metadata:
            found[metadata["labels"][COMPONENT]].add(metadata["uid"])
    return dict(found)


def is_ready(pod: Object) -> bool:
    """Whether a pod is Ready."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(entry["type"] == "Ready" and entry["status"] == "True" for entry in conditions)


def wait_until(what: str, holds: Callable[[], bool], *, timeout_seconds: float = 120) -> None:
    """Wait until a condition is true.

    Raises:
        LabError: it was not true in time.
    """
    deadline = time.monotonic() + timeout_seconds
    while not holds():
        if time.monotonic() > deadline:
            raise LabError(f"Within {timeout_seconds:.0f} s it did not come true that {what}.")
        time.sleep(POLL_SECONDS)
