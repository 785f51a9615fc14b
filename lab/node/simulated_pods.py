"""A simulated kubelet and volume provisioner, for a control plane without nodes.

Pods get a simulated node and behave as their images' names say; nothing runs. Claims get simulated volumes.
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from kubernetes.config import new_client_from_config

from lab.engine.kubernetes_provider.client import (
    MERGE_PATCH,
    ApiError,
    Cluster,
    Object,
    Resource,
    UnreachableError,
    core,
)
from lab.engine.kubernetes_provider.feeds import Event, Feeds

NODE: Final = "simulated"
STORAGE_CLASS: Final = "simulated"
"""The default class: binds at once."""
LATE_STORAGE_CLASS: Final = "simulated-late"
"""Binds when the first pod wants it."""

BROKEN: Final = "broken"
"""An image with this in its name cannot be pulled."""
FAILING: Final = "failing"
"""An image with this in its name ends with exit code 1; unless the pod says never, again and again."""
RESTARTS: Final = 10
"""What a failing container that is restarted has behind it: more than a Job allows by default."""
UNREADY: Final = "unready"
"""An image with this in its name runs and never becomes ready."""

_PODS: Final = core("pods", "Pod")
_CLAIMS: Final = core("persistentvolumeclaims", "PersistentVolumeClaim")
_VOLUMES: Final = Resource("", "v1", "persistentvolumes", "PersistentVolume", namespaced=False)
_NODES: Final = Resource("", "v1", "nodes", "Node", namespaced=False)
_CLASSES: Final = Resource("storage.k8s.io", "v1", "storageclasses", "StorageClass", namespaced=False)
_PROVISIONER: Final = "lab/simulated"


class SimulatedPods:
    """Answers for the node of a cluster as long as it is entered."""

    def __init__(self, kubeconfig: Path) -> None:
        self._cluster = Cluster(new_client_from_config(str(kubeconfig)))
        self._addresses = (f"10.244.{high}.{low}" for high, low in itertools.product(range(256), range(1, 255)))
        self._wanted: set[tuple[str, str]] = set()
        self._claims: dict[tuple[str, str], Object] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="simulated pods")

    def __enter__(self) -> SimulatedPods:
        self._create(_NODES, {"metadata": {"name": NODE}})
        status = {"conditions": [_condition("Ready", True, "KubeletReady")], "capacity": {"pods": "110"}}
        self._status(_NODES, {"metadata": {"name": NODE}}, status)
        for name, mode in ((STORAGE_CLASS, "Immediate"), (LATE_STORAGE_CLASS, "WaitForFirstConsumer")):
            is_default = str(name == STORAGE_CLASS).lower()
            metadata = {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": is_default}}
            self._create(_CLASSES, {"metadata": metadata, "provisioner": _PROVISIONER, "volumeBindingMode": mode})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        with Feeds(self._cluster).reading(events, "", _PODS, _CLAIMS, _VOLUMES):
            while not self._stop.is_set():
                try:
                    event = events.get(timeout=0.2)
                except queue.Empty:
                    continue
                try:
                    self._handle(event)
                except (ApiError, UnreachableError):
                    # The object changed or went meanwhile; its next event brings us back.
                    continue

    def _handle(self, event: Event) -> None:
        match event.resource.kind:
            case "Pod" if not event.gone:
                self._pod(event.obj)
            case "PersistentVolumeClaim":
                key = _key(event.obj)
                if event.gone:
                    self._claims.pop(key, None)
                else:
                    self._claims[key] = event.obj
                    self._claim(event.obj)
            case "PersistentVolume" if not event.gone:
                ours = event.obj["spec"].get("storageClassName") in (STORAGE_CLASS, LATE_STORAGE_CLASS)
                if ours and event.obj.get("status", {}).get("phase") == "Released":
                    self._cluster.call("DELETE", _VOLUMES.path(None, event.obj["metadata"]["name"]))

    def _pod(self, pod: Object) -> None:
        path = _PODS.path(*_key(pod))
        if pod["metadata"].get("deletionTimestamp"):
            self._cluster.call("DELETE", path, body={"gracePeriodSeconds": 0})
            return
        for volume in pod["spec"].get("volumes") or []:
            if claim := (volume.get("persistentVolumeClaim") or {}).get("claimName"):
                key = (pod["metadata"]["namespace"], claim)
                self._wanted.add(key)
                if key in self._claims:
                    self._claim(self._claims[key])
        if not pod["spec"].get("nodeName"):
            target = {"kind": "Node", "name": NODE}
            metadata = {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"]}
            self._cluster.call("POST", f"{path}/binding", body={"metadata": metadata, "target": target})
        elif pod.get("status", {}).get("phase") == "Pending" and not pod["status"].get("podIP"):
            self._status(_PODS, pod, self._first_status(pod))
        elif pod.get("status", {}).get("phase") == "Running" and _ends(pod):
            self._status(_PODS, pod, _ended(pod))

    def _first_status(self, pod: Object) -> dict[str, Any]:
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

    def _claim(self, claim: Object) -> None:
        spec, key = claim["spec"], _key(claim)
        kind = spec.get("storageClassName")
        phase = claim.get("status", {}).get("phase")
        if phase != "Pending" or spec.get("volumeName") or kind not in (STORAGE_CLASS, LATE_STORAGE_CLASS):
            return
        if kind == LATE_STORAGE_CLASS and key not in self._wanted:
            return
        volume = {
            "metadata": {"name": f"simulated-{claim['metadata']['uid']}"},
            "spec": {
                "accessModes": spec["accessModes"],
                "capacity": spec["resources"]["requests"],
                "storageClassName": kind,
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": {"namespace": key[0], "name": key[1], "uid": claim["metadata"]["uid"]},
                "csi": {"driver": _PROVISIONER.replace("/", "."), "volumeHandle": claim["metadata"]["uid"]},
            },
        }
        self._create(_VOLUMES, volume)

    def _create(self, resource: Resource, obj: Object) -> None:
        try:
            self._cluster.call(
                "POST", resource.path(), body={"apiVersion": resource.api_version, "kind": resource.kind, **obj}
            )
        except ApiError as error:
            if not error.already_exists:
                raise

    def _status(self, resource: Resource, obj: Object, status: Mapping[str, Any]) -> None:
        path = resource.path(*_key(obj)) + "/status"
        self._cluster.call("PATCH", path, body={"status": status}, content=MERGE_PATCH)


def _key(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _condition(kind: str, holds: bool, reason: str = "", message: str = "") -> dict[str, str]:
    return {"type": kind, "status": str(holds), "reason": reason, "message": message}


def _restarted(pod: Object) -> bool:
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


def _ends(pod: Object) -> bool:
    owners = pod["metadata"].get("ownerReferences") or []
    failing = any(FAILING in each["image"] for each in pod["spec"]["containers"])
    if failing:
        return not _restarted(pod)
    return any(owner["kind"] == "Job" for owner in owners)


def _ended(pod: Object) -> dict[str, Any]:
    def state(image: str) -> dict[str, Any]:
        failed = FAILING in image
        return {"terminated": {"exitCode": int(failed), "reason": "Error" if failed else "Completed"}}

    images = {each["name"]: each["image"] for each in pod["spec"]["containers"]}
    failed = any(FAILING in image for image in images.values())
    statuses = [{**each, "ready": False, "state": state(each["image"])} for each in pod["status"]["containerStatuses"]]
    reason = "PodFailed" if failed else "PodCompleted"
    kept = [entry for entry in pod["status"]["conditions"] if entry["type"] in ("PodScheduled", "Initialized")]
    unready = [_condition(kind, False, reason) for kind in ("ContainersReady", "Ready")]
    return {
        "phase": "Failed" if failed else "Succeeded",
        "conditions": [*kept, *unready],
        "containerStatuses": statuses,
    }
