"""A simulated kubelet and volume provisioner, for a control plane without nodes.

Pods are bound to a simulated node and behave according to their images' names; no container runs. Claims get simulated
volumes.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

from lab.node.api import Api, ApiError, Manifest

NODE: Final = "simulated"
STORAGE_CLASS: Final = "simulated"
"""The default class: binds immediately."""
LATE_STORAGE_CLASS: Final = "simulated-late"
"""Binds when the first pod uses the claim."""

BROKEN: Final = "broken"
"""An image with this in its name cannot be pulled."""
FAILING: Final = "failing"
"""An image with this in its name ends with exit code 1, and is restarted unless the pod's restart policy is Never."""
RESTARTS: Final = 10
"""Reported restarts of a failing container: more than a Job allows by default."""
UNREADY: Final = "unready"
"""An image with this in its name runs but never becomes ready."""

_PODS: Final = "/api/v1/pods"
_CLAIMS: Final = "/api/v1/persistentvolumeclaims"
_VOLUMES: Final = "/api/v1/persistentvolumes"
_CLASSES: Final = "/apis/storage.k8s.io/v1/storageclasses"
_PROVISIONER: Final = "lab/simulated"
_WATCH_SECONDS: Final = 240
_RETRY_SECONDS: Final = 0.5


class SimulatedPods:
    """A context manager that simulates the node of a cluster."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._addresses = (f"10.244.{high}.{low}" for high, low in itertools.product(range(256), range(1, 255)))
        self._claims_in_use: set[tuple[str, str]] = set()
        self._changed: queue.SimpleQueue[tuple[Callable[[Manifest], None], Manifest]] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="simulated pods")

    def __enter__(self) -> SimulatedPods:
        self._api.create("/api/v1/nodes", {"metadata": {"name": NODE}})
        status = {"conditions": [_condition("Ready", True, "KubeletReady")], "capacity": {"pods": "110"}}
        self._status(f"/api/v1/nodes/{NODE}", status)
        for name, mode in ((STORAGE_CLASS, "Immediate"), (LATE_STORAGE_CLASS, "WaitForFirstConsumer")):
            is_default = str(name == STORAGE_CLASS).lower()
            metadata = {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": is_default}}
            self._api.create(_CLASSES, {"metadata": metadata, "provisioner": _PROVISIONER, "volumeBindingMode": mode})
        self._thread.start()
        for path, changed in ((_PODS, self._pod), (_CLAIMS, self._claim), (_VOLUMES, self._volume)):
            threading.Thread(target=self._follow, args=(path, changed), daemon=True, name=f"watch {path}").start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(10)

    def _follow(self, path: str, changed: Callable[[Manifest], None]) -> None:
        while not self._stop.is_set():
            try:
                for kind, item in self._api.watch(path, seconds=_WATCH_SECONDS):
                    if kind in ("ADDED", "MODIFIED"):
                        self._changed.put((changed, item))
            except (ApiError, OSError):
                # The next watch begins with all objects.
                self._stop.wait(_RETRY_SECONDS)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                changed, item = self._changed.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                changed(item)
            except ApiError:
                # The object was changed or deleted meanwhile; its next event is processed again.
                continue

    def _pod(self, pod: Manifest) -> None:
        path = _path("pods", pod)
        if pod["metadata"].get("deletionTimestamp"):
            self._api.request("DELETE", path, {"gracePeriodSeconds": 0})
            return
        for volume in pod["spec"].get("volumes") or []:
            if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
                self._use_claim(pod["metadata"]["namespace"], claim)
        if not pod["spec"].get("nodeName"):
            target = {"kind": "Node", "name": NODE}
            metadata = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
            self._api.request("POST", f"{path}/binding", {"metadata": metadata, "target": target})
        elif pod.get("status", {}).get("phase") == "Pending" and not pod["status"].get("podIP"):
            self._status(path, self._first_status(pod))
        elif pod.get("status", {}).get("phase") == "Running" and _ends(pod):
            self._status(path, _ended(pod))

    def _first_status(self, pod: Manifest) -> dict[str, Any]:
        unready = [each["name"] for each in pod["spec"]["containers"] if BROKEN in each["image"]]
        pulled = not unready
        unready = unready or [
            each["name"]
            for each in pod["spec"]["containers"]
            if UNREADY in each["image"] or (FAILING in each["image"] and _restarted(pod))
        ]
        message = f"containers with unready status: [{' '.join(unready)}]" if unready else ""
        reason = "ContainersNotReady" if unready else ""
        return {
            "phase": "Running" if pulled else "Pending",
            "podIP": (address := next(self._addresses)),
            "podIPs": [{"ip": address}],
            "hostIP": "127.0.0.1",
            "conditions": [
                _condition("PodScheduled", True),
                _condition("Initialized", True),
                _condition("ContainersReady", not unready, reason, message),
                _condition("Ready", not unready, reason, message),
            ],
            "containerStatuses": [_container(each, restarted=_restarted(pod)) for each in pod["spec"]["containers"]],
        }

    def _use_claim(self, namespace: str, claim: str) -> None:
        """Bind a claim that waits for its first pod, now or when the claim is created."""
        if (namespace, claim) in self._claims_in_use:
            return
        self._claims_in_use.add((namespace, claim))
        try:
            existing = self._api.get(f"/api/v1/namespaces/{namespace}/persistentvolumeclaims/{claim}")
        except ApiError as error:
            if error.status != 404:
                raise
        else:
            self._claim(existing)

    def _claim(self, claim: Manifest) -> None:
        spec, metadata = claim["spec"], claim["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        kind = spec.get("storageClassName")
        phase = claim.get("status", {}).get("phase")
        if phase != "Pending" or spec.get("volumeName") or kind not in (STORAGE_CLASS, LATE_STORAGE_CLASS):
            return
        if kind == LATE_STORAGE_CLASS and (namespace, name) not in self._claims_in_use:
            return
        volume = {
            "metadata": {"name": f"simulated-{metadata['uid']}"},
            "spec": {
                "accessModes": spec["accessModes"],
                "capacity": spec["resources"]["requests"],
                "storageClassName": kind,
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": namespace, "name": name, "uid": metadata["uid"]},
                "csi": {"driver": _PROVISIONER.replace("/", "."), "volumeHandle": metadata["uid"]},
            },
        }
        self._api.create(_VOLUMES, volume)

    def _volume(self, volume: Manifest) -> None:
        ours = volume["spec"].get("storageClassName") in (STORAGE_CLASS, LATE_STORAGE_CLASS)
        if ours and volume.get("status", {}).get("phase") == "Released":
            self._api.delete(f"{_VOLUMES}/{volume['metadata']['name']}")

    def _status(self, path: str, status: Mapping[str, Any]) -> None:
        self._api.merge(f"{path}/status", {"status": status})


def _path(plural: str, item: Manifest) -> str:
    return f"/api/v1/namespaces/{item['metadata']['namespace']}/{plural}/{item['metadata']['name']}"


def _condition(kind: str, holds: bool, reason: str = "", message: str = "") -> dict[str, str]:
    # Without the time, no pod of a Deployment with minReadySeconds is ever available.
    since = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"type": kind, "status": str(holds), "lastTransitionTime": since, "reason": reason, "message": message}


def _restarted(pod: Manifest) -> bool:
    return pod["spec"].get("restartPolicy") != "Never"


def _container(spec: Mapping[str, Any], *, restarted: bool) -> dict[str, Any]:
    image = spec["image"]
    common = {"name": spec["name"], "image": image, "imageID": "", "restartCount": 0}
    if BROKEN in image:
        waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}
        return {**common, "ready": False, "started": False, "state": {"waiting": waiting}}
    if FAILING in image and restarted:
        waiting = {"reason": "CrashLoopBackOff", "message": f"back-off 5m0s restarting failed container={spec['name']}"}
        ended = {"terminated": {"exitCode": 1, "reason": "Error"}}
        more = {"restartCount": RESTARTS, "state": {"waiting": waiting}, "lastState": ended}
        return {**common, "ready": False, "started": False, **more}
    ready = UNREADY not in image
    return {**common, "ready": ready, "started": True, "state": {"running": {}}}


def _ends(pod: Manifest) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    failing = any(FAILING in each["image"] for each in pod["spec"]["containers"])
    if failing:
        return not _restarted(pod)
    return any(owner["kind"] == "Job" for owner in owners)


def _ended(pod: Manifest) -> dict[str, Any]:
    def state(image: str) -> dict[str, Any]:
        failed = FAILING in image
        return {"terminated": {"exitCode": int(failed), "reason": "Error" if failed else "Completed"}}

    images = {each["name"]: each["image"] for each in pod["spec"]["containers"]}
    failed = any(FAILING in image for image in images.values())
    statuses = [{**each, "ready": False, "state": state(each["image"])} for each in pod["status"]["containerStatuses"]]
    reason = "PodFailed" if failed else "PodCompleted"
    unchanged = [entry for entry in pod["status"]["conditions"] if entry["type"] in ("PodScheduled", "Initialized")]
    unready = [_condition(kind, False, reason) for kind in ("ContainersReady", "Ready")]
    return {
        "phase": "Failed" if failed else "Succeeded",
        "conditions": [*unchanged, *unready],
        "containerStatuses": statuses,
    }
